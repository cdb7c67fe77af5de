import { defaultKubeconfig } from "../../app/paths.ts";
import { readiness } from "../../app/ready.ts";
import { messageOf } from "../../base/log.ts";
import { type Command, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { Values } from "../values.ts";

/** For scripts and the installer: one answer, and an exit code. */
export const ready: Command = {
  name: "ready",
  summary: "say whether the cluster answers and its nodes are Ready (exit code 0 if so)",
  flags: [sharedFlags.kubeconfig],
  async run(given, io) {
    const file = new Values(given).text("kubeconfig") ?? defaultKubeconfig();
    const { ready: up, notReady } = await readiness(file).catch((error: unknown) => {
      throw new UsageError(`the cluster of ${file} does not answer: ${messageOf(error)}`, 1);
    });
    if (up.length === 0 || notReady.length > 0)
      throw new UsageError(`not Ready: ${notReady.join(", ") || "no node has registered"}`, 1);
    io.out(`Ready: ${up.join(", ")}\n`);
    return 0;
  },
};
