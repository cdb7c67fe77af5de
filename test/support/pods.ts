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

/** A pod with a container "main" that has the volume of this source at /v. */
export const withVolume = (
  name: string,
  source: object,
  spec: Partial<PodSpec> = {},
  container: Partial<Container> = {},
) => ({
  ...aPod(name, {
    volumes: [{ name: "v", ...source }],
    containers: [main({ volumeMounts: [{ name: "v", mountPath: "/v" }], ...container })],
    ...spec,
  }),
});
