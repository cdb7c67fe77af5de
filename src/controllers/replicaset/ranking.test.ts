import { describe, expect, test } from "vitest";
import type { Pod } from "../../api/schema/types.ts";
import { deletionCost, inOrderOfRemoval } from "./ranking.ts";

const now = Date.parse("2026-01-01T01:00:00Z");

interface Given {
  readonly node?: string | undefined;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly readySince?: string;
  readonly cost?: string;
  readonly restarts?: number;
  readonly sidecarRestarts?: number;
  readonly initRestarts?: number;
  readonly created?: string;
  readonly neighbours?: number;
}

function aPod(name: string, given: Given): Pod {
  const {
    node,
    phase = "Running",
    ready = true,
    readySince = "00:00:00",
    created = "00:00:00",
  } = {
    node: "n1",
    ...given,
  };
  const counted = (container: string, restartCount = 0) => ({
    name: container,
    restartCount,
    image: "",
    imageID: "",
    ready,
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      uid: name,
      creationTimestamp: `2026-01-01T${created}Z`,
      ...(given.cost && { annotations: { [deletionCost]: given.cost } }),
    },
    spec: {
      containers: [],
      initContainers: [{ name: "sidecar", restartPolicy: "Always" }, { name: "setup" }],
      ...(node && { nodeName: node }),
    },
    status: {
      phase,
      conditions: [
        { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: `2026-01-01T${readySince}Z` },
      ],
      containerStatuses: [counted("app", given.restarts)],
      initContainerStatuses: [counted("sidecar", given.sidecarRestarts), counted("setup", given.initRestarts)],
    },
  };
}

describe("of two pods one goes first:", () => {
  test.each<[name: string, goes: Given, stays: Given]>([
    ["the one that has no node", { node: undefined }, {}],
    ["the one that is pending", { phase: "Pending", ready: false }, { phase: "Running", ready: false }],
    ["the one whose state is unknown", { phase: "Unknown" }, {}],
    ["the one that is not ready", { ready: false }, {}],
    ["the one that is said to cost less", { cost: "-1" }, {}],
    ["whose cost is no number counts as 0", { cost: "0" }, { cost: "5" }],
    ["the one with more neighbours of its application", { neighbours: 3 }, { neighbours: 1 }],
    ["the one that is ready for less time, by powers of two", { readySince: "00:59:59" }, { readySince: "00:30:00" }],
    ["the one that was restarted more often", { restarts: 2, sidecarRestarts: 0 }, { restarts: 1, sidecarRestarts: 9 }],
    ["the one whose sidecar was", { sidecarRestarts: 2 }, { sidecarRestarts: 1 }],
    ["the younger one, by powers of two", { created: "00:59:59" }, { created: "00:30:00" }],
  ])("%s", (_, goes, stays) => {
    for (const [first, second] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const ranked = [
        { pod: aPod(second, stays), neighbours: stays.neighbours ?? 0 },
        { pod: aPod(first, goes), neighbours: goes.neighbours ?? 0 },
      ];
      expect(inOrderOfRemoval(ranked, now).map(({ metadata }) => metadata.name)).toEqual([first, second]);
    }
  });

  test("how often its initialization was tried does not count: then chance decides, by the uid", () => {
    const ranked = [aPod("b", { initRestarts: 9 }), aPod("a", { created: "00:00:01" })].map((pod) => ({
      pod,
      neighbours: 0,
    }));
    expect(inOrderOfRemoval(ranked, now).map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  });
});
