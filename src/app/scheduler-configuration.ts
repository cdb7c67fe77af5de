import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { CannotStart } from "../base/lifecycle.ts";
import { messageOf } from "../base/log.ts";
import { type Configuration, configurationFrom, defaultConfiguration } from "../scheduler/configuration.ts";

/** What a KubeSchedulerConfiguration file says; the usual configuration without one. */
export async function schedulerConfiguration(file: string | undefined): Promise<Configuration> {
  if (file === undefined) return defaultConfiguration;
  try {
    return configurationFrom(parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new CannotStart(`--kube-scheduler-arg config=${file}: ${messageOf(error)}`);
  }
}
