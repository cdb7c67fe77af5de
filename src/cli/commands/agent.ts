import { resolve } from "node:path";
import type { JoinConfig } from "../../app/config.ts";
import { defaultDataDirectory } from "../../app/paths.ts";
import { runAgent } from "../../app/run-agent.ts";
import { parseToken } from "../../app/tokens.ts";
import { type Command, type Given, UsageError } from "../command.ts";
import { agentConfigFrom, nodeFlags, textOrFile } from "../node-flags.ts";
import { aboutServices, runService } from "../run-service.ts";
import { sharedFlags } from "../shared-flags.ts";
import { Values } from "../values.ts";

export const agent: Command = {
  name: "agent",
  summary: "join this machine to a cluster and run its pods",
  about: [
    aboutServices.foreground,
    "The token is needed once: with it the device's own key is signed. From then on the device is known by its key, and goes on running its pods while no server answers.",
    aboutServices.configFile,
  ],
  readsConfigFile: true,
  flags: [
    sharedFlags.config,
    sharedFlags.dataDir,
    {
      name: "server",
      short: "s",
      takenUp: "at once",
      value: "URL",
      does: "a server: https://ADDRESS:6443",
      env: "SKIFF_URL",
    },
    { ...sharedFlags.token, value: "TOKEN", does: "the server's node token, or one that `skiff token create` made" },
    sharedFlags.tokenFile,
    ...nodeFlags,
    sharedFlags.debug,
  ],
  examples: [
    {
      line: "skiff agent --server https://192.0.2.1:6443 --token-file /etc/skiff/token",
      does: "join the cluster of that server",
    },
  ],
  run: (given, io) => runService({ command: agent, configFrom: joinConfigFrom, run: runAgent }, given, io),
};

/** @throws {UsageError} for a value that cannot be right */
export function joinConfigFrom(given: Given, machineName: string): JoinConfig {
  const values = new Values(given);
  const dataDirectory = resolve(values.text("data-dir") ?? defaultDataDirectory());
  const token = textOrFile(values, "token");
  try {
    if (token !== undefined) parseToken(token);
  } catch (error) {
    throw new UsageError(`--token: ${(error as Error).message}`);
  }
  return {
    dataDirectory,
    server: serverFrom(values),
    token,
    agent: agentConfigFrom(values, { machineName, dataDirectory }),
  };
}

function serverFrom(values: Values): string {
  const text = values.text("server");
  if (text === undefined)
    throw new UsageError("--server is missing: the address of a server, such as https://192.0.2.1:6443");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || !url.hostname || url.pathname !== "/")
    throw values.wrong("server", text, "a server is named as https://ADDRESS:PORT, such as https://192.0.2.1:6443");
  return `https://${url.host}`;
}
