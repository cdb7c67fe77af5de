import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deployment, ReplicaSet } from "../../api/schema/types.ts";
import { decide } from "./decide.ts";
import { Draft } from "./draft.ts";
import { limitsOf } from "./limits.ts";

const template = (image: string) => ({
  metadata: { name: "", labels: { app: "web" } },
  spec: { containers: [{ name: "app", image }] },
});

function aDeployment(spec: Partial<Deployment["spec"]> = {}): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default", uid: "d", generation: 1 },
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template: template("app:1"), ...spec },
  };
}

/** The ReplicaSets after a round, and after their controller has done its work as far as `ready` lets pods become so. */
function nextRound(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  ready: (wanted: number) => number,
): ReplicaSet[] {
  const { create, update } = decide({ deployment, replicaSets: sets, podsOf: () => [], now: 0 });
  const kept = sets.map(
    (set) => update.findLast(({ after }) => after.metadata.name === set.metadata.name)?.after ?? set,
  );
  const born = create
    ? [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          ...create,
          metadata: { ...create.metadata, creationTimestamp: String(sets.length) },
        } as ReplicaSet,
      ]
    : [];
  return [...kept, ...born].map((set) => {
    const replicas = set.spec.replicas ?? 0;
    const availableReplicas = Math.min(replicas, Math.max(set.status?.availableReplicas ?? 0, ready(replicas)));
    return { ...set, status: { replicas, availableReplicas, readyReplicas: availableReplicas } };
  });
}

const sizes = (sets: readonly ReplicaSet[]): number[] => sets.map(({ spec }) => spec.replicas ?? 0);
const available = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);

describe("deployment decide()", () => {
  test("rolls to the end within its limits, whatever these are and however slowly pods become ready", () => {
    const bound = fc.oneof(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 100 }).map((n) => `${n}%`),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        bound,
        bound,
        fc.infiniteStream(fc.nat(3)),
        (replicas, maxSurge, maxUnavailable, luck) => {
          const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } };
          const first = aDeployment({ replicas, strategy });
          const next = aDeployment({ replicas, strategy, template: template("app:2") });
          const limits = limitsOf(next);
          let sets = nextRound(first, [], (wanted) => wanted);
          for (let round = 0; round < 200; round++) {
            const ready = luck.next().value ?? 1;
            sets = nextRound(next, sets, (wanted) => Math.min(wanted, ready + (round > 100 ? 12 : 0)));
            expect(sizes(sets).reduce((a, b) => a + b)).toBeLessThanOrEqual(replicas + limits.maxSurge);
            expect(available(sets)).toBeGreaterThanOrEqual(replicas - limits.maxUnavailable);
          }
          expect(sizes(sets)).toEqual([0, replicas]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("takes the sick pods of an older ReplicaSet first, and what else can go in a step of its own", () => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 3 } };
    const [old] = nextRound(aDeployment({ replicas: 10, strategy }), [], () => 8);
    if (!old) throw new Error("the first round made no ReplicaSet");
    old.status = { replicas: 10, availableReplicas: 8, readyReplicas: 8 };
    const deployment = aDeployment({ replicas: 10, strategy, template: template("app:2") });
    const { update } = decide({ deployment, replicaSets: [old], podsOf: () => [], now: 0 });
    const step = decide({ deployment, replicaSets: nextRound(deployment, [old], () => 8), podsOf: () => [], now: 0 });
    expect([...update, ...step.update].map(({ before, after }) => [before.spec.replicas, after.spec.replicas])).toEqual(
      [
        [10, 8],
        [8, 7],
        [0, 3],
      ],
    );
  });

  test("does not renew what a ReplicaSet remembers of the limits while it cannot grow", () => {
    const wide = { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 0 } } };
    const narrow = { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };
    const sets = nextRound(aDeployment({ replicas: 4, ...wide }), [], (wanted) => wanted);
    const rolling = { replicas: 4, template: template("app:2") };
    const both = nextRound(aDeployment({ ...rolling, ...wide }), sets, () => 0);
    const { update } = decide({
      deployment: aDeployment({ ...rolling, ...narrow }),
      replicaSets: both,
      podsOf: () => [],
      now: 0,
    });
    expect(sizes(both)).toEqual([4, 3]);
    expect(update).toEqual([]);
  });

  test("shares a change of size in the middle of a rollout in proportion", () => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
    let sets = nextRound(aDeployment({ replicas: 10, strategy }), [], (wanted) => wanted);
    const rolling = { strategy, template: template("app:2") };
    for (let round = 0; round < 4; round++) sets = nextRound(aDeployment({ replicas: 10, ...rolling }), sets, () => 0);
    expect(sizes(sets)).toEqual([8, 5]);
    sets = nextRound(aDeployment({ replicas: 15, ...rolling }), sets, () => 0);
    expect(sizes(sets)).toEqual([11, 7]);
  });

  test("decides nothing more when all is as it should be", () => {
    const deployment = aDeployment();
    const sets = nextRound(deployment, [], (wanted) => wanted);
    const { status, ...decision } = decide({ deployment, replicaSets: sets, podsOf: () => [], now: 0 });
    expect(decision).toEqual({ create: undefined, update: [], remove: [], revision: "1", againMs: undefined });
    expect(status).toMatchObject({ replicas: 3, updatedReplicas: 3, availableReplicas: 3 });
  });

  test("counts on from a revision that a double cannot hold", () => {
    const [old] = nextRound(aDeployment(), [], (wanted) => wanted);
    if (!old) throw new Error("the first round made no ReplicaSet");
    old.metadata.annotations = { "deployment.kubernetes.io/revision": "3546343826724305832" };
    const deployment = aDeployment({ template: template("app:2") });
    expect(decide({ deployment, replicaSets: [old], podsOf: () => [], now: 0 }).revision).toBe("3546343826724305833");
  });

  test.each([
    [undefined, "1"],
    ["1,2", "1,2,7"],
    [`${"1234567,".repeat(249)}1234567`, /^1234567,.*,7$/],
  ])("remembers its numbers, but not without end", (history, then) => {
    const annotations = { "deployment.kubernetes.io/revision": history === undefined ? "1" : "7" };
    const set = new Draft({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: "web-1",
        annotations: { ...annotations, ...(history && { "deployment.kubernetes.io/revision-history": history }) },
      },
      spec: { selector: {}, replicas: 1 },
    });
    set.raiseRevision(8n, {});
    const written = set.update()[0]?.after.metadata.annotations?.["deployment.kubernetes.io/revision-history"];
    expect(written).toMatch(then);
    expect(written?.length).toBeLessThanOrEqual(2000);
  });

  test("counts a collision of names and says nothing else until the next round", () => {
    const deployment = aDeployment();
    const [born] = nextRound(deployment, [], () => 3);
    const other = { ...born, spec: { ...born?.spec, template: template("app:9") } } as ReplicaSet;
    const { create, update, revision, status } = decide({ deployment, replicaSets: [other], podsOf: () => [], now: 0 });
    expect({ create, update, revision, status }).toEqual({
      create: undefined,
      update: [],
      revision: undefined,
      status: { collisionCount: 1 },
    });
  });
});
