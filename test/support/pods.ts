import type { Container, Pod, PodSpec } from "../../src/api/schema/types.ts";

/** A container "main" of busybox that sleeps, but for what is said otherwise. */
export const main = (over: Partial<Container> = {}): Container => ({
  name: "main",
  image: "busybox:1",
  command: ["sleep", "3600"],
  ...over,
});

/** One that runs a script. */
export const sh = (script: string, over: Partial<Container> = {}): Container =>
  main({ command: ["sh", "-c", script], ...over });

/** A pod with one container "main" and a short grace. */
export const aPod = (name: string, spec: Partial<PodSpec> = {}, metadata: Partial<Pod["metadata"]> = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...metadata },
  spec: { terminationGracePeriodSeconds: 1, containers: [main()], ...spec },
});

/** Several objects as `kubectl apply` takes them. */
export const listOf = (...items: object[]): string => JSON.stringify({ apiVersion: "v1", kind: "List", items });
