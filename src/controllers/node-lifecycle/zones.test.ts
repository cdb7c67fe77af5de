import { describe, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { byHealth, EvictionTurns, evictionRate, zoneOf, zoneState } from "./zones.ts";

const aNode = (ready: boolean, labels: Record<string, string> = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n", labels },
  spec: {},
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "Unknown" }] },
});
const rates = { normal: 0.1, partial: 0.01, threshold: 0.55, large: 50 };

describe("zones of nodes", () => {
  test.each<[what: string, ready: number, down: number, state: string, rate: number]>([
    ["all are well", 3, 0, "normal", 0.1],
    ["one of three is down", 2, 1, "normal", 0.1],
    ["two of two are down", 0, 2, "full", 0.1],
    ["two of three are down, which is too few to tell", 1, 2, "normal", 0.1],
    ["most of a small zone is down", 2, 3, "partial", 0],
    ["most of a large zone is down", 20, 40, "partial", 0.01],
  ])("%s", (_, ready, down, state, rate) => {
    expect(zoneState({ ready, down }, rates.threshold)).toBe(state);
    expect(evictionRate({ ready, down }, rates)).toBe(rate);
  });

  test("nodes are told apart by region and zone", () => {
    const labels = { "topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z" };
    expect([zoneOf(aNode(true)), zoneOf(aNode(true, labels))]).toEqual(["/", "r/z"]);
    expect([byHealth(aNode(true, labels)), byHealth(aNode(false))]).toEqual([
      ["ready r/z", "ready "],
      ["down /", "down "],
    ]);
  });

  test("nodes of a zone pass one after the other, those of another beside them", () => {
    const turns = new EvictionTurns();
    expect(turns.waitMs("a", 0.1, 1000)).toBe(0);
    turns.take("a", 0.1, 1000);
    expect([turns.waitMs("a", 0.1, 4000), turns.waitMs("b", 0.1, 4000)]).toEqual([7000, 0]);
    expect([turns.waitMs("a", 0.1, 11_000), turns.waitMs("a", 0, 11_000)]).toEqual([0, undefined]);
  });
});
