import { expect, test } from "vitest";
import { podLimits, podRequests } from "./pod-resources.ts";
import type { Container } from "./schema/types.ts";

function asking(name: string, cpu: string, more: Partial<Container> = {}): Container {
  return { name, resources: { requests: { cpu }, limits: { cpu } }, ...more };
}

test("containers run together: what they ask for adds up", () => {
  expect(podRequests({ containers: [asking("a", "100m"), asking("b", "1")] })).toEqual({ cpu: "1100m" });
});

test("init containers run one after the other: the largest counts", () => {
  const initContainers = [asking("i", "2"), asking("j", "500m")];
  expect(podRequests({ containers: [asking("a", "1")], initContainers })).toEqual({ cpu: "2" });
});

test("a sidecar runs beside the containers and beside the init containers that follow it", () => {
  const initContainers = [asking("s", "1", { restartPolicy: "Always" }), asking("i", "3")];
  expect(podRequests({ containers: [asking("a", "1")], initContainers })).toEqual({ cpu: "4" });
});

test("what the pod asks for as a whole counts instead", () => {
  const spec = { containers: [asking("a", "1")], resources: { requests: { cpu: "250m" } } };
  expect(podRequests(spec)).toEqual({ cpu: "250m" });
});

test("overhead is added to requests, and to the limits that there are", () => {
  const spec = { containers: [asking("a", "1")], overhead: { cpu: "10m", memory: "1Mi" } };
  expect(podRequests(spec, { overhead: true })).toEqual({ cpu: "1010m", memory: "1Mi" });
  expect(podLimits(spec, { overhead: true })).toEqual({ cpu: "1010m" });
});
