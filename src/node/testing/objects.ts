import type { Container as ContainerOfSpec, Pod, PodSpec, PodStatus } from "../../api/schema/types.ts";
import { annotation, specHash } from "../pod/spec-hash.ts";
import type { Container, Sandbox } from "../runtime.ts";

/** A container of a pod's spec. */
export function aContainer(over: Partial<ContainerOfSpec> = {}): ContainerOfSpec {
  return { name: "main", image: "busybox:1", ...over };
}

/** A pod on this node with one container "main". */
export function aPod({
  spec = {},
  status,
  ...metadata
}: { spec?: Partial<PodSpec>; status?: PodStatus } & Partial<Pod["metadata"]> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", uid: "u1", generation: 1, ...metadata },
    spec: { nodeName: "m1", restartPolicy: "Always", containers: [aContainer()], ...spec },
    ...(status && { status }),
  };
}

export function aSandbox(over: Partial<Sandbox> = {}): Sandbox {
  return {
    id: "s0",
    podUid: "u1",
    namespace: "shop",
    name: "web",
    attempt: 0,
    state: "ready",
    pid: 1,
    createdAtMs: 0,
    ...over,
  };
}

/** What the runtime says of a container: running, in sandbox s0, made from `aContainer()` of the same name. */
export function running(over: Partial<Container> = {}): Container {
  const { name = "main", attempt = 0 } = over;
  return {
    id: `${name}-${attempt}`,
    sandboxId: "s0",
    podUid: "u1",
    podNamespace: "shop",
    podName: "web",
    name,
    attempt,
    image: "busybox:1",
    imageId: "sha256:1",
    state: "running",
    pid: 2,
    createdAtMs: 0,
    startedAtMs: 1_000,
    finishedAtMs: 0,
    exitCode: 0,
    oomKilled: false,
    resources: { memoryLimitBytes: 0, cpuShares: 2, cpuQuotaUs: 0 },
    error: "",
    annotations: { [annotation.hash]: specHash(aContainer({ name })) },
    ...over,
  };
}

/** The same after its end, at second 10 unless said. */
export function exited(exitCode: number, over: Partial<Container> = {}): Container {
  return running({ state: "exited", pid: 0, exitCode, finishedAtMs: 10_000, ...over });
}
