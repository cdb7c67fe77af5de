import type { Log } from "../base/log.ts";
import type { RunningNode } from "../node/run.ts";
import type { ShutdownGrace } from "./config.ts";
import { machineGoesDown } from "./service-manager.ts";

/**
 * Ends the node's pods in order when the machine goes down and the user wants that (Kubernetes docs, "Node Shutdowns"). When only
 * skiff stops, they run on.
 */
export async function shutDownPods(
  node: Pick<RunningNode, "shutDown">,
  grace: ShutdownGrace,
  { log, isGoingDown = machineGoesDown }: { log: Log; isGoingDown?: () => Promise<boolean> },
): Promise<void> {
  if (grace.seconds === 0 || !(await isGoingDown())) return;
  log.info("the machine goes down: its pods end first", { ...grace });
  await node.shutDown(grace);
}
