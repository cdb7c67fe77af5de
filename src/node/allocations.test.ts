import { expect, test } from "vitest";
import { openAllocations } from "./allocations.ts";

const asks = (cpu: string, memory = "0") => ({ containers: [{ name: "c", resources: { requests: { cpu, memory } } }] });
const world = () => openAllocations(() => ({ cpu: "2", memory: "1Gi" }));

test("refuses for ever what the node does not have, and for now what others have", () => {
  const node = world();
  node.hold("a", asks("500m"));
  node.hold("b", asks("1"));
  expect(node.refusal("a", asks("1"))).toBeUndefined();
  expect(node.refusal("a", asks("3"))).toEqual({
    reason: "Infeasible",
    message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
  });
  expect(node.refusal("a", asks("1500m"))).toEqual({
    reason: "Deferred",
    message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  });
});

test("lets a pod take less when the node is too full", () => {
  const node = world();
  node.hold("a", asks("1", "1Gi"));
  node.hold("b", asks("2", "1Gi"));
  expect(node.refusal("a", asks("900m", "1Gi"))).toBeUndefined();
});

test("tells those that wait, once, when another pod has less", () => {
  const node = world();
  const looks: string[] = [];
  node.hold("a", asks("1"));
  node.hold("b", asks("1"));
  node.whenRoom("a", () => looks.push("a"));
  node.hold("b", asks("1"));
  expect(looks).toEqual([]);
  node.hold("b", asks("500m"));
  node.release("b");
  expect(looks).toEqual(["a"]);
});
