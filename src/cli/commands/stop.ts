import { drainThisNode } from "../../app/drain.ts";
import { defaultKubeconfig } from "../../app/paths.ts";
import { runningSkiffs, stopSkiff } from "../../app/stop.ts";
import { type Command, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { Values } from "../values.ts";

export const stop: Command = {
  name: "stop",
  summary: "stop the skiff that runs on this machine; with --drain, move its pods away first",
  about: [
    "Containers run on and are taken up again at the next start, unless --drain evicts their pods first, as `kubectl drain` does. Pods of DaemonSets stay. After the next start, `skiff kubectl uncordon NODE` lets pods come again.",
    "On an agent, --drain needs --kubeconfig: a copy of the server's file with the server's address in it.",
  ],
  flags: [
    { name: "drain", does: "let no more pods come to this node, and evict those that are there" },
    { name: "force", does: "with --drain: delete pods that no controller would make anew" },
    { name: "delete-emptydir-data", does: "with --drain: evict pods although data in their emptyDir volumes is lost" },
    {
      name: "timeout",
      value: "SECONDS",
      does: "with --drain: how long pods may take to end",
      defaultText: "300",
    },
    { ...sharedFlags.kubeconfig, does: "with --drain: how to reach the cluster" },
  ],
  examples: [{ line: "skiff stop --drain", does: "empty this node, then stop skiff" }],
  async run(given, io) {
    const values = new Values(given);
    const drain = values.isOn("drain");
    const alone = ["force", "delete-emptydir-data", "timeout", "kubeconfig"].find((name) => given.values.has(name));
    if (alone && !drain) throw new UsageError(`--${alone} says how to drain: give --drain too`);
    const seconds = Number(values.text("timeout") ?? 300);
    if (!(seconds > 0)) throw values.wrong("timeout", values.text("timeout") ?? "", "a number of seconds");
    const skiffs = runningSkiffs();
    if (skiffs.length === 0) {
      io.out("skiff does not run on this machine\n");
      return 0;
    }
    if (drain) {
      const node = await drainThisNode({
        kubeconfig: values.text("kubeconfig") ?? defaultKubeconfig(),
        force: values.isOn("force"),
        deleteEmptyDirData: values.isOn("delete-emptydir-data"),
        timeoutMs: seconds * 1000,
        say: (line) => io.out(`${line}\n`),
        stop: io.stop,
      });
      io.out(
        `node ${node} is drained; after the next start, \`skiff kubectl uncordon ${node}\` lets pods come again\n`,
      );
    }
    for (const skiff of skiffs) {
      await stopSkiff(skiff);
      io.out(`stopped: skiff ${skiff.role} (${skiff.unit ?? `process ${skiff.pid}`}); containers run on\n`);
    }
    return 0;
  },
};
