import { service } from "../../src/api/kinds/core/service.ts";
import { endpointSlice } from "../../src/api/kinds/discovery/endpoint-slice.ts";
import type { Client } from "../../src/client/client.ts";
import type { Device } from "./device.ts";
import type { History, Kinds } from "./history.ts";
import { isActive, isReady } from "./rules.ts";

const ownerBuckets: readonly (keyof Kinds)[] = [
  "deployments.apps",
  "replicasets.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "jobs.batch",
];

/** What a cluster must have come to when it was left in peace for long enough. Returns what has not. */
export async function atRest(history: History, user: Client, devices: readonly Device[]): Promise<string[]> {
  const wrong: string[] = [];
  const expect = (is: unknown, wanted: unknown, what: string): void => {
    if (is !== wanted) wrong.push(`${what} is ${is} and should be ${wanted}`);
  };
  const unready = (of: Parameters<History["ownedBy"]>[1]): number =>
    history.ownedBy("pods", of).filter((pod) => !isReady(pod) && isActive(pod)).length;

  for (const owner of history.all("deployments.apps")) {
    const { metadata, spec, status } = owner;
    expect(status?.observedGeneration, metadata.generation, `${metadata.name}: the generation that was looked at`);
    const waits = history.ownedBy("replicasets.apps", owner).some((set) => unready(set) > 0);
    if (spec.paused || waits) continue; // it may have stopped half way
    expect(status?.replicas ?? 0, spec.replicas, `${metadata.name}: its replicas`);
    expect(status?.updatedReplicas ?? 0, spec.replicas, `${metadata.name}: its updated replicas`);
  }
  for (const set of history.all("replicasets.apps")) {
    const { metadata, spec, status } = set;
    expect(status?.replicas ?? 0, spec.replicas, `${metadata.name}: its replicas`);
    expect(history.ownedBy("pods", set).filter(isActive).length, spec.replicas, `${metadata.name}: its pods`);
    expect((status?.readyReplicas ?? 0) + unready(set), spec.replicas, `${metadata.name}: its ready replicas`);
  }
  for (const set of history.all("statefulsets.apps")) {
    const { metadata, spec, status } = set;
    if (unready(set) > 0) continue; // it waits, as it should, for a pod that is not ready
    expect(status?.readyReplicas ?? 0, spec.replicas, `${metadata.name}: its ready replicas`);
    expect(status?.currentRevision, status?.updateRevision, `${metadata.name}: its revision`);
  }
  for (const { metadata, status } of history.all("daemonsets.apps"))
    expect(status?.currentNumberScheduled, devices.length, `${metadata.name}: the nodes it runs on`);
  for (const { metadata, status } of history.all("jobs.batch"))
    expect(
      status?.conditions?.some(({ type }) => type === "Complete" || type === "Failed"),
      true,
      `${metadata.name}: it ended`,
    );

  const owners = new Set(
    [...ownerBuckets.flatMap((bucket) => history.all(bucket))].map(({ metadata }) => metadata.uid),
  );
  for (const { metadata } of [...history.all("pods"), ...history.all("replicasets.apps")]) {
    expect(metadata.deletionTimestamp, undefined, `${metadata.name}: since when it is being deleted`);
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner) expect(owners.has(owner.uid), true, `${metadata.name}: its owner is there`);
  }

  const running = devices.flatMap(({ containers }) => containers.filter(({ state }) => state === "running"));
  const alive = history.all("pods").filter(({ status }) => status?.phase === "Running");
  expect(
    running
      .map(({ uid }) => uid)
      .sort()
      .join(),
    alive
      .map(({ metadata }) => metadata.uid)
      .sort()
      .join(),
    "what runs",
  );

  const slices = (await user.list(endpointSlice)).items;
  for (const { metadata, spec } of (await user.list(service, { namespace: "default" })).items) {
    if (!spec?.selector) continue;
    const own = slices.filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name);
    const ready = own.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready);
    const pods = history.all("pods").filter((pod) => isReady(pod) && pod.metadata.labels?.app === spec.selector?.app);
    expect(ready.length, pods.length, `Service ${metadata.name}: its endpoints`);
  }
  return wrong;
}
