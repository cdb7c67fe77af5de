import type { ContainerSpec, SandboxSpec } from "../runtime.ts";

let made = 0;

export function aSandboxSpec(over: Partial<SandboxSpec> = {}): SandboxSpec {
  const podUid = `uid-${process.pid}-${++made}`;
  return {
    podUid,
    namespace: "default",
    name: `pod-${made}`,
    attempt: 0,
    hostname: `pod-${made}`,
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    cgroupParent: `/kubepods/besteffort/pod${podUid}`,
    labels: {},
    sysctls: {},
    runtimeHandler: "",
    ...over,
  };
}

/** A busybox container that sleeps, in the pod of the sandbox. */
export function aContainerSpec(sandbox: SandboxSpec, over: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    runtimeHandler: "",
    podUid: sandbox.podUid,
    podNamespace: sandbox.namespace,
    podName: sandbox.name,
    name: "main",
    attempt: 0,
    image: "busybox:1",
    command: ["sleep", "3600"],
    args: [],
    workingDir: undefined,
    env: [],
    mounts: [],
    devices: [],
    resources: {},
    cgroupParent: sandbox.cgroupParent,
    pidNamespace: "container",
    ipcNamespace: "pod",
    tty: false,
    stdin: false,
    stdinOnce: false,
    security: {
      privileged: false,
      user: undefined,
      groups: [],
      readOnlyRootfs: false,
      addCapabilities: [],
      dropCapabilities: [],
      noNewPrivileges: false,
      seccomp: "unconfined",
      apparmor: undefined,
      maskedPaths: true,
    },
    annotations: {},
    stopSignal: undefined,
    ...over,
  };
}
