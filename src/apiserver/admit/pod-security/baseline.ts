import type { LifecycleHandler, Probe } from "../../../api/schema/types.ts";
import { type Check, type CheckedPod, containersWith, everyContainer, hasOwnUsers, type Violation } from "./check.ts";
import { procMount } from "./restricted.ts";
import { badSeccomp, plainSeccomp } from "./seccomp.ts";
import { containersNamed, plural, quoted, settersNamed, sortedUnique } from "./words.ts";

/**
 * The controls of the baseline standard, in the order in which they are told (Kubernetes docs, "Pod Security Standards").
 * Each has one or more versions, oldest first.
 */
export const baselineChecks: readonly (readonly Check[])[] = [
  [{ since: 0, check: appArmorProfile }],
  [{ since: 0, check: hostNamespaces }],
  [{ since: 0, check: hostPorts }],
  [{ since: 34, check: hostProbes }],
  [{ since: 0, check: privileged }],
  [
    { since: 0, check: procMount },
    { since: 35, check: (pod) => (hasOwnUsers(pod) ? undefined : procMount(pod)) },
  ],
  [
    { since: 0, check: seLinuxOptions(["", "container_t", "container_init_t", "container_kvm_t"]) },
    {
      since: 31,
      check: seLinuxOptions(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]),
    },
  ],
  // What may be set grew from version to version.
  [0, 27, 29, 32].map((since) => ({ since, check: (pod) => sysctls(pod, since) })),
  [{ since: 0, check: windowsHostProcess }],
];

/** Baseline controls of which the restricted standard has a stricter form, which is told instead. */
export const overriddenChecks: readonly (readonly Check[])[] = [
  [{ since: 0, check: capabilities }],
  [{ since: 0, check: hostPathVolumes }],
  [
    { since: 0, check: seccompAnnotations },
    { since: 19, check: (pod) => badSeccomp(pod) },
  ],
];

function appArmorProfile(pod: CheckedPod): Violation | undefined {
  const isBad = (type: string | undefined): type is string =>
    type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
  const own = pod.spec.securityContext?.appArmorProfile?.type;
  const containers = containersWith(pod, ({ appArmorProfile: profile }) => isBad(profile?.type));
  const annotations = Object.entries(pod.metadata.annotations ?? {}).filter(
    ([key, value]) =>
      key.startsWith("container.apparmor.security.beta.kubernetes.io/") &&
      value !== "" &&
      value !== "runtime/default" &&
      !value.startsWith("localhost/"),
  );
  const setters = settersNamed(isBad(own), containers);
  if (annotations.length > 0) {
    const named = annotations.map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort();
    setters.push(`${plural(named.length, "annotation", "annotations")} ${quoted(named)}`);
  }
  if (setters.length === 0) return undefined;
  const values = sortedUnique([
    ...[own, ...everyContainer(pod).map((container) => container.securityContext?.appArmorProfile?.type)].filter(isBad),
    ...annotations.map(([, value]) => value),
  ]);
  return {
    reason: plural(values.length, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
    detail: `${setters.join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

function capabilities(pod: CheckedPod): Violation | undefined {
  const bad = everyContainer(pod)
    .map(({ name, securityContext }) => ({
      name,
      added: (securityContext?.capabilities?.add ?? []).filter((capability) => !defaultCapabilities.has(capability)),
    }))
    .filter(({ added }) => added.length > 0);
  if (bad.length === 0) return undefined;
  const added = quoted(sortedUnique(bad.flatMap((container) => container.added)));
  return {
    reason: "non-default capabilities",
    detail: `${containersNamed(bad.map(({ name }) => name))} must not include ${added} in securityContext.capabilities.add`,
  };
}

const defaultCapabilities = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

function hostNamespaces({ spec }: CheckedPod): Violation | undefined {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field]);
  if (shared.length === 0) return undefined;
  return { reason: "host namespaces", detail: shared.map((field) => `${field}=true`).join(", ") };
}

function hostPathVolumes({ spec }: CheckedPod): Violation | undefined {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { reason: "hostPath volumes", detail: `${plural(names.length, "volume", "volumes")} ${quoted(names)}` };
}

function hostPorts(pod: CheckedPod): Violation | undefined {
  const bad = everyContainer(pod)
    .map(({ name, ports = [] }) => ({
      name,
      ports: ports.flatMap(({ hostPort }) => (hostPort ? [`${hostPort}`] : [])),
    }))
    .filter(({ ports }) => ports.length > 0);
  if (bad.length === 0) return undefined;
  const ports = sortedUnique(bad.flatMap((container) => container.ports));
  const uses = `${plural(bad.length, "uses", "use")} ${plural(ports.length, "hostPort", "hostPorts")}`;
  return { reason: "hostPort", detail: `${containersNamed(bad.map(({ name }) => name))} ${uses} ${ports.join(", ")}` };
}

function hostProbes(pod: CheckedPod): Violation | undefined {
  const hostsOf = (handler: Probe | LifecycleHandler | undefined): string[] =>
    [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host): host is string => Boolean(host));
  const bad = everyContainer(pod)
    .map(({ name, livenessProbe, readinessProbe, startupProbe, lifecycle }) => ({
      name,
      hosts: [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf),
    }))
    .filter(({ hosts }) => hosts.length > 0);
  if (bad.length === 0) return undefined;
  const hosts = sortedUnique(bad.flatMap((container) => container.hosts));
  const reason = "probe or lifecycle host";
  const uses = `${plural(bad.length, "uses", "use")} ${plural(hosts.length, reason, `${reason}s`)}`;
  return { reason, detail: `${containersNamed(sortedUnique(bad.map(({ name }) => name)))} ${uses} ${quoted(hosts)}` };
}

function privileged(pod: CheckedPod): Violation | undefined {
  const names = containersWith(pod, (context) => context.privileged === true);
  if (names.length === 0) return undefined;
  return { reason: "privileged", detail: `${containersNamed(names)} must not set securityContext.privileged=true` };
}

function seLinuxOptions(types: readonly string[]): Check["check"] {
  return (pod) => {
    const own = pod.spec.securityContext?.seLinuxOptions;
    const isBad = ({ type = "", user, role }: { type?: string; user?: string; role?: string }): boolean =>
      !types.includes(type) || Boolean(user) || Boolean(role);
    const containers = containersWith(pod, ({ seLinuxOptions: options }) => isBad(options ?? {}));
    const setters = settersNamed(isBad(own ?? {}), containers);
    if (setters.length === 0) return undefined;
    const all = [own, ...everyContainer(pod).map(({ securityContext }) => securityContext?.seLinuxOptions)];
    const badTypes = sortedUnique(all.map((options) => options?.type ?? "").filter((type) => !types.includes(type)));
    const faults = [
      ...(badTypes.length > 0 ? [`${plural(badTypes.length, "type", "types")} ${quoted(badTypes)}`] : []),
      ...(all.some((options) => options?.user) ? ["user may not be set"] : []),
      ...(all.some((options) => options?.role) ? ["role may not be set"] : []),
    ];
    return {
      reason: "seLinuxOptions",
      detail: `${setters.join(" and ")} set forbidden securityContext.seLinuxOptions: ${faults.join("; ")}`,
    };
  };
}

/** The sysctls that a pod may set, and since which minor version. */
const safeSysctls = new Map([
  ["kernel.shm_rmid_forced", 0],
  ["net.ipv4.ip_local_port_range", 0],
  ["net.ipv4.tcp_syncookies", 0],
  ["net.ipv4.ping_group_range", 0],
  ["net.ipv4.ip_unprivileged_port_start", 0],
  ["net.ipv4.ip_local_reserved_ports", 27],
  ["net.ipv4.tcp_keepalive_time", 29],
  ["net.ipv4.tcp_fin_timeout", 29],
  ["net.ipv4.tcp_keepalive_intvl", 29],
  ["net.ipv4.tcp_keepalive_probes", 29],
  ["net.ipv4.tcp_rmem", 32],
  ["net.ipv4.tcp_wmem", 32],
]);

function sysctls({ spec }: CheckedPod, minor: number): Violation | undefined {
  const set = (spec.securityContext?.sysctls ?? []).map(({ name }) => name);
  const bad = set.filter((name) => (safeSysctls.get(name) ?? Number.POSITIVE_INFINITY) > minor);
  return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
}

function seccompAnnotations(pod: CheckedPod): Violation | undefined {
  const prefix = "container.seccomp.security.alpha.kubernetes.io/";
  const keys = [
    "seccomp.security.alpha.kubernetes.io/pod",
    ...everyContainer(pod).map(({ name }) => `${prefix}${name}`),
  ];
  const bad = keys.flatMap((key) => {
    const value = pod.metadata.annotations?.[key];
    return value === undefined || plainSeccomp.test(value) ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  if (bad.length === 0) return undefined;
  const listed = sortedUnique(bad);
  return {
    reason: "seccompProfile",
    detail: `forbidden ${plural(listed.length, "annotation", "annotations")} ${listed.join(", ")}`,
  };
}

function windowsHostProcess(pod: CheckedPod): Violation | undefined {
  const own = pod.spec.securityContext?.windowsOptions?.hostProcess === true;
  const setters = settersNamed(
    own,
    containersWith(pod, ({ windowsOptions }) => windowsOptions?.hostProcess === true),
  );
  if (setters.length === 0) return undefined;
  return {
    reason: "hostProcess",
    detail: `${setters.join(" and ")} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}
