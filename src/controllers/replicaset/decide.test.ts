import { describe, expect, test } from "vitest";
import type { Pod, ReplicaSet } from "../../api/schema/types.ts";
import { decide, type Observed, type Replicas } from "./decide.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const owner: ReplicaSet = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "web", namespace: "default", uid: "w", generation: 2 },
  spec: { selector: { matchLabels: { app: "web" } } },
};
const wanted: Replicas = {
  owner,
  replicas: 2,
  minReadySeconds: 0,
  selector: owner.spec.selector,
  template: { metadata: { name: "", labels: { app: "web" } }, spec: { containers: [] } },
  conditions: [],
  countsTerminating: true,
};

function aPod(
  name: string,
  given: { app?: string; phase?: string; leaving?: boolean; ready?: boolean; since?: string } = {},
): Pod {
  const { app = "web", phase = "Running", leaving = false, ready = true, since = "00:00:00" } = given;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      uid: name,
      labels: { app },
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...(leaving && { deletionTimestamp: "2026-01-01T00:59:00Z" }),
    },
    spec: { containers: [], nodeName: "n1" },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: `2026-01-01T${since}Z` }],
    },
  };
}

const both = [aPod("a"), aPod("b")];
const quiet: Observed = { wanted, controlled: both, orphans: [], related: both, now };

describe("replicaset decide()", () => {
  test.each<[name: string, given: Partial<Observed>, then: { create?: number; remove?: string[] }]>([
    ["does nothing when as many pods run as are wanted", {}, {}],
    ["creates what is missing", { controlled: [aPod("a")] }, { create: 1 }],
    [
      "replaces one that has failed, and leaves it lying",
      { controlled: [aPod("a"), aPod("b", { phase: "Failed" })] },
      { create: 1 },
    ],
    ["replaces one that is leaving at once", { controlled: [aPod("a"), aPod("b", { leaving: true })] }, { create: 1 }],
    [
      "replaces one that does not match any more",
      { controlled: [aPod("a"), aPod("b", { app: "other" })] },
      { create: 1 },
    ],
    ["counts one that it takes in", { controlled: [aPod("a")], orphans: [aPod("b")] }, {}],
    ["removes what is too much", { controlled: [...both, aPod("c", { ready: false })] }, { remove: ["c"] }],
    ["creates 500 at a time", { wanted: { ...wanted, replicas: 2000 }, controlled: [] }, { create: 500 }],
    [
      "does nothing while it goes itself",
      {
        wanted: {
          ...wanted,
          owner: { ...owner, metadata: { ...owner.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } },
        },
        controlled: [],
      },
      {},
    ],
  ])("%s", (_, given, { create = 0, remove = [] }) => {
    const decision = decide({ ...quiet, ...given });
    expect([decision.create, decision.remove.map(({ metadata }) => metadata.name)]).toEqual([create, remove]);
  });

  test.each<[name: string, given: Partial<Observed>, adopted: string[], released: string[]]>([
    ["a pod of nobody's that matches is taken in", { orphans: [aPod("o")] }, ["o"], []],
    ["one that does not match is not", { orphans: [aPod("o", { app: "other" })] }, [], []],
    ["one that has ended is not", { orphans: [aPod("o", { phase: "Succeeded" })] }, [], []],
    ["one that is leaving is not", { orphans: [aPod("o", { leaving: true })] }, [], []],
    ["one that matches no longer is let go", { controlled: [...both, aPod("c", { app: "other" })] }, [], ["c"]],
    ["but not once it has ended", { controlled: [...both, aPod("c", { app: "other", phase: "Failed" })] }, [], []],
  ])("%s", (_, given, adopted, released) => {
    const { claim } = decide({ ...quiet, ...given });
    const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
    expect([names(claim.adopt), names(claim.release)]).toEqual([adopted, released]);
  });

  test("counts pods that are ready, available and on their way out", () => {
    const controlled = [
      aPod("a"),
      aPod("b", { since: "00:59:50" }),
      aPod("c", { ready: false }),
      aPod("d", { leaving: true }),
      aPod("e", { leaving: true, phase: "Failed" }),
      aPod("f", { leaving: true, app: "other" }),
    ];
    const { status, againMs } = decide({
      ...quiet,
      wanted: { ...wanted, replicas: 3, minReadySeconds: 30 },
      controlled,
    });
    expect(status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 2,
    });
    expect(againMs).toBe(20_000);
  });
});
