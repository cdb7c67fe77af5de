import { describe, expect, test } from "vitest";
import type { Kind } from "../../api/kind.ts";
import { deployment } from "../../api/kinds/apps/deployment.ts";
import { replicaSet } from "../../api/kinds/apps/replica-set.ts";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import type { KubeObject, OwnerReference } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { openCache } from "../../client/cache.ts";
import { openClient } from "../../client/client.ts";
import { openInformers } from "../../client/open-informers.ts";
import { memoryTransport } from "../../client/testing/memory-transport.ts";
import { scaledKinds, scalesOf } from "./scales.ts";

const owner = (apiVersion: string, kind: string, name: string, uid: string): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
});

function aPod(controlledBy: OwnerReference): Pod {
  const metadata = { name: "a", namespace: "default", ownerReferences: [controlledBy] };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } };
}

describe("what controls the pods of a budget", () => {
  test.each<[string, string[], (uid: (name: string) => string) => OwnerReference, object]>([
    [
      "a ReplicaSet wants its own replicas",
      ["set"],
      (uid) => owner("apps/v1", "ReplicaSet", "set", uid("set")),
      { wanted: 3 },
    ],
    [
      "a Deployment speaks for its ReplicaSet",
      ["web", "of-web"],
      (uid) => owner("apps/v1", "ReplicaSet", "of-web", uid("of-web")),
      { wanted: 5 },
    ],
    [
      "a ReplicaSet whose Deployment is gone speaks for itself",
      ["of-web"],
      (uid) => owner("apps/v1", "ReplicaSet", "of-web", uid("of-web")),
      { wanted: 3 },
    ],
    [
      "another object of the same name does not",
      ["db"],
      () => owner("apps/v1", "StatefulSet", "db", "another"),
      { failure: 'found no controllers for pod "a"' },
    ],
    [
      "a Job has no size that could be asked for",
      [],
      () => owner("batch/v1", "Job", "work", "1"),
      { failure: "jobs.batch does not implement the scale subresource" },
    ],
    [
      "nor has a ConfigMap",
      [],
      () => owner("v1", "ConfigMap", "text", "1"),
      { failure: "configmaps does not implement the scale subresource" },
    ],
    [
      "nobody knows the kind",
      [],
      () => owner("example.com/v1", "Thing", "one", "1"),
      { failure: 'no matches for kind "Thing" in version "example.com/v1"' },
    ],
  ])("%s", async (_, names, ownerOf, expected) => {
    const clock = fakeClock();
    const client = openClient(memoryTransport(clock), { fieldManager: "test" });
    await using informers = openInformers(client, { clock, log: noLog });
    const uids = new Map<string, string>();
    const make = async (
      kind: Kind,
      name: string,
      replicas: number,
      ownerReferences: OwnerReference[],
    ): Promise<void> => {
      if (!names.includes(name)) return;
      const blank = { metadata: { name, namespace: "default", ownerReferences }, spec: { replicas } };
      const { metadata } = await client.create(kind, blank as unknown as KubeObject);
      uids.set(name, metadata.uid ?? "");
    };
    await make(deployment as unknown as Kind, "web", 5, []);
    const above = [owner("apps/v1", "Deployment", "web", uids.get("web") ?? "gone")];
    await make(replicaSet as unknown as Kind, "of-web", 3, above);
    await make(replicaSet as unknown as Kind, "set", 3, []);
    await make(statefulSet as unknown as Kind, "db", 2, []);
    const cache = await openCache(
      informers,
      scaledKinds.map((kind) => ({ kind: kind as unknown as Kind })),
    );
    expect(await scalesOf([aPod(ownerOf((name) => uids.get(name) ?? ""))], cache, client)).toMatchObject(expected);
  });
});
