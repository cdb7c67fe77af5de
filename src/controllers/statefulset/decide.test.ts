import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod, StatefulSet, StatefulSetSpec } from "../../api/schema/types.ts";
import { decide } from "./decide.ts";

function aSet(spec: Partial<StatefulSetSpec> = {}): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "web", namespace: "default", uid: "s", generation: 1 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {},
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      ...spec,
    },
  };
}

function aPod(ordinal: number, { revision = "old", ready = true, phase = "Running", leaving = false } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `web-${ordinal}`,
      labels: { "controller-revision-hash": revision },
      ...(leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    spec: { containers: [] },
    status: { phase, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

const next = (set: StatefulSet, pods: readonly Pod[], { update = "old", unfree = [] as readonly number[] } = {}) =>
  decide({ set, pods, revisions: { current: "old", update }, unfree: new Set(unfree), now: 0 });

describe("statefulset decide()", () => {
  test.each<{
    it: string;
    spec?: Partial<StatefulSetSpec>;
    pods: Pod[];
    update?: string;
    unfree?: number[];
    does: string[];
  }>([
    { it: "begins with the first pod", pods: [], does: ["+0"] },
    { it: "waits until a pod is ready", pods: [aPod(0, { ready: false })], does: [] },
    { it: "goes on when it is", pods: [aPod(0)], does: ["+1"] },
    { it: "fills a gap before anything else", pods: [aPod(0), aPod(2)], does: ["+1"] },
    { it: "removes from the top", spec: { replicas: 1 }, pods: [0, 1, 2].map((at) => aPod(at)), does: ["-2"] },
    {
      it: "removes one after the other",
      spec: { replicas: 1 },
      pods: [aPod(0), aPod(1), aPod(2, { leaving: true })],
      does: [],
    },
    {
      it: "does all at once when it may",
      spec: { podManagementPolicy: "Parallel", replicas: 2 },
      pods: [aPod(3), aPod(4)],
      does: ["+0", "+1", "-4", "-3"],
    },
    { it: "starts where it is told to", spec: { ordinals: { start: 5 } }, pods: [], does: ["+5"] },
    { it: "removes a pod that has ended", pods: [aPod(0, { phase: "Failed" })], does: ["-0"] },
    { it: "updates from the top", pods: [0, 1, 2].map((at) => aPod(at)), update: "new", does: ["-2"] },
    {
      it: "leaves what is below the partition",
      spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } },
      pods: [aPod(0), aPod(1), aPod(2, { revision: "new" })],
      update: "new",
      does: [],
    },
    {
      it: "replaces nothing by itself with OnDelete",
      spec: { updateStrategy: { type: "OnDelete" } },
      pods: [0, 1, 2].map((at) => aPod(at)),
      update: "new",
      does: [],
    },
    {
      it: "waits for claims that go with an earlier pod",
      pods: [aPod(0), aPod(2)],
      unfree: [1],
      does: [],
    },
    {
      it: "makes the others meanwhile when it may",
      spec: { podManagementPolicy: "Parallel" },
      pods: [aPod(0)],
      unfree: [1],
      does: ["+2"],
    },
    {
      it: "makes what is missing beside a pod that has ended when it may",
      spec: { podManagementPolicy: "Parallel" },
      pods: [aPod(0, { phase: "Failed" }), aPod(1)],
      does: ["+2", "-0"],
    },
    {
      it: "shrinks and updates at once when it may",
      spec: { podManagementPolicy: "Parallel", replicas: 2 },
      pods: [0, 1, 2].map((at) => aPod(at)),
      update: "new",
      does: ["-2", "-1"],
    },
    {
      it: "replaces a broken pod of an earlier revision when it need not wait for it",
      spec: { podManagementPolicy: "Parallel" },
      pods: [aPod(0), aPod(1), aPod(2, { revision: "broken", ready: false })],
      update: "new",
      does: ["-2"],
    },
    {
      it: "does not go past a pod that does not become ready",
      pods: [aPod(0), aPod(1), aPod(2, { revision: "broken", ready: false })],
      update: "new",
      does: [],
    },
  ])("$it", ({ spec, pods, update, unfree, does }) => {
    const { create, remove } = next(aSet(spec), pods, { ...(update && { update }), ...(unfree && { unfree }) });
    const created = create.map(({ ordinal }) => `+${ordinal}`);
    expect([...created, ...remove.map(({ metadata }) => metadata.name.replace("web", ""))]).toEqual(does);
  });

  test("a pod below the partition comes back in the revision it had", () => {
    const set = aSet({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } });
    expect(next(set, [], { update: "new" }).create).toEqual([{ ordinal: 0, revision: "old" }]);
  });

  test("the new revision becomes the current one when every pod has it", () => {
    const done = [0, 1, 2].map((at) => aPod(at, { revision: "new" }));
    expect(next(aSet(), done, { update: "new" }).status).toMatchObject({ currentRevision: "new", currentReplicas: 3 });
    expect(next(aSet(), done.slice(1), { update: "new" }).status.currentRevision).toBe("old");
  });

  test("comes to the wanted pods of the new revision from any start, one pod at a time", () => {
    const ordinals = fc.uniqueArray(fc.integer({ min: 0, max: 7 }));
    fc.assert(
      fc.property(ordinals, fc.integer({ min: 0, max: 6 }), (there, replicas) => {
        const set = aSet({ replicas });
        let pods = there.map((at) => aPod(at));
        for (let round = 0; round < 40; round++) {
          const { create, remove } = next(set, pods, { update: "new" });
          expect(create.length + remove.length).toBeLessThanOrEqual(1);
          pods = pods.filter((pod) => !remove.includes(pod));
          pods.push(...create.map(({ ordinal, revision }) => aPod(ordinal, { revision })));
        }
        expect(pods.map(({ metadata }) => metadata.name).sort()).toEqual(
          Array.from({ length: replicas }, (_, at) => `web-${at}`),
        );
        expect(pods.every(({ metadata }) => metadata.labels?.["controller-revision-hash"] === "new")).toBe(true);
      }),
    );
  });
});
