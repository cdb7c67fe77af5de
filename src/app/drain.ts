import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { node as nodeKind } from "../api/kinds/core/node.ts";
import { pod as podKind } from "../api/kinds/core/pod.ts";
import { type AnyObject, controllerRef, isLeaving, keyOf, keyText } from "../api/object.ts";
import { hasEnded } from "../api/pod-phase.ts";
import type { Node, Pod } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import { systemClock } from "../base/clock.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { type Client, openClient } from "../client/client.ts";
import { openHttpTransport } from "../client/open-http-transport.ts";
import { readKubeconfig } from "../cluster/read-kubeconfig.ts";

export interface DrainOptions {
  readonly kubeconfig: string;
  /** Pods that nothing makes anew are deleted too. */
  readonly force: boolean;
  /** Pods whose emptyDir volumes are lost with them are evicted too. */
  readonly deleteEmptyDirData: boolean;
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
  /** Aborted when the user loses patience; what was asked of the cluster stays. */
  readonly stop: AbortSignal;
}

const retryMs = 2_000;

/**
 * Lets no more pods come to this machine's node and evicts those that are there, as `kubectl drain` does; resolves with the node's
 * name when they are gone. @throws {CannotStart} when some must stay
 */
export async function drainThisNode({ kubeconfig, say, timeoutMs, stop, ...rights }: DrainOptions): Promise<string> {
  const { server, ca, cert, key } = await readKubeconfig(kubeconfig);
  await using transport = openHttpTransport({ server, ca, credentials: () => ({ cert, key }), clock: systemClock });
  const client = openClient(transport, { fieldManager: "skiff" });
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const { name } = thisNode((await client.list(nodeKind)).items, { bootId, hostName: hostname() }).metadata;
  const podsThere = async () => (await client.list(podKind, { fieldSelector: `spec.nodeName=${name}` })).items;

  const { evict, refusal } = planDrain(await podsThere(), rights);
  if (refusal) throw new CannotStart(refusal);
  await client.patch(nodeKind, { name }, { type: "merge", document: { spec: { unschedulable: true } } });
  say(`node ${name} takes no more pods; it is drained of ${evict.length}`);
  await evictAll(client, evict, { deadlineMs: systemClock.now() + timeoutMs, podsThere, stop });
  return name;
}

/** The node of the machine with this boot; by its host name where several share a kernel. @throws {CannotStart} */
export function thisNode(nodes: readonly Node[], { bootId, hostName }: { bootId: string; hostName: string }): Node {
  const same = nodes.filter(({ status }) => status?.nodeInfo?.bootID === bootId);
  const found = same.length === 1 ? same[0] : same.find(({ metadata }) => metadata.name === hostName.toLowerCase());
  if (!found) throw new CannotStart("this machine is no node of the cluster: nothing to drain");
  return found;
}

export interface DrainPlan {
  readonly evict: readonly Pod[];
  /** Why nothing may be evicted. */
  readonly refusal?: string;
}

/** Kubernetes docs, "Safely Drain a Node", and kubectl's rules: what may go, what stays, what only goes when the user says so. */
export function planDrain(
  pods: readonly Pod[],
  { force, deleteEmptyDirData }: Pick<DrainOptions, "force" | "deleteEmptyDirData">,
): DrainPlan {
  const isMirror = ({ metadata }: Pod) => metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined;
  const isDaemon = (pod: Pod) => controllerRef(pod)?.kind === "DaemonSet";
  const evict = pods.filter((pod) => !isMirror(pod) && !(isDaemon(pod) && !hasEnded(pod)));
  const living = evict.filter((pod) => !hasEnded(pod) && !isLeaving(pod));
  const alone = force ? [] : living.filter((pod) => !controllerRef(pod));
  if (alone.length > 0) return refused(alone, "have no controller and would not come back", "--force deletes them");
  const local = deleteEmptyDirData ? [] : living.filter(({ spec }) => spec.volumes?.some(({ emptyDir }) => emptyDir));
  if (local.length > 0)
    return refused(local, "keep data in emptyDir volumes that would be lost", "--delete-emptydir-data evicts them");
  return { evict };
}

function refused(pods: readonly Pod[], why: string, remedy: string): DrainPlan {
  return { evict: [], refusal: `not drained: ${namesOf(pods)} ${why}; ${remedy}` };
}

const namesOf = (pods: readonly Pod[]): string => pods.map((pod) => keyText(keyOf(pod))).join(", ");

interface Eviction {
  readonly deadlineMs: number;
  readonly podsThere: () => Promise<readonly Pod[]>;
  readonly stop: AbortSignal;
}

/** Asks until every one of these pods is gone; a disruption budget may say "later". */
async function evictAll(
  client: Client,
  pods: readonly Pod[],
  { deadlineMs, podsThere, stop }: Eviction,
): Promise<void> {
  let left = pods;
  let held: readonly Pod[] = [];
  for (;;) {
    held = [];
    for (const pod of left.filter((each) => !isLeaving(each))) if (!(await evicted(client, pod))) held = [...held, pod];
    const there = new Map((await podsThere()).map((pod) => [pod.metadata.uid, pod]));
    left = left.flatMap(({ metadata }) => there.get(metadata.uid) ?? []);
    if (left.length === 0) return;
    if (systemClock.now() > deadlineMs) {
      const why = held.length > 0 ? "a PodDisruptionBudget holds" : "have not ended in time:";
      throw new CannotStart(
        `not drained: ${why} ${namesOf(held.length > 0 ? held : left)}; skiff runs on, and the node takes no more pods`,
      );
    }
    await sleep(retryMs, undefined, { signal: stop });
  }
}

/** Whether the pod may go, or is gone already. */
async function evicted(client: Client, pod: Pod): Promise<boolean> {
  const { name, namespace = "default", uid } = pod.metadata;
  const metadata = { name, namespace };
  const deleteOptions = { ...(uid && { preconditions: { uid } }) };
  try {
    const body: AnyObject = { apiVersion: "policy/v1", kind: "Eviction", metadata, deleteOptions };
    await client.post(podKind, metadata, "eviction", body);
    return true;
  } catch (error) {
    if (isReason(error, "TooManyRequests")) return false;
    // Gone, or another of its name is there by now.
    if (isReason(error, "NotFound") || isReason(error, "Conflict")) return true;
    throw error;
  }
}
