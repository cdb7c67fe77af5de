import type { Container, Pod, PodSpec } from "../../schema/types.ts";
import { fractionWarning } from "../../validate/values.ts";

const seccompAnnotation = "seccomp.security.alpha.kubernetes.io/pod";

/** Labels of nodes that have had another name since. */
const renamedLabels: Readonly<Record<string, { readonly since: string; readonly now: string }>> = {
  "beta.kubernetes.io/arch": { since: "v1.14", now: "kubernetes.io/arch" },
  "beta.kubernetes.io/os": { since: "v1.14", now: "kubernetes.io/os" },
  "failure-domain.beta.kubernetes.io/region": { since: "v1.17", now: "topology.kubernetes.io/region" },
  "failure-domain.beta.kubernetes.io/zone": { since: "v1.17", now: "topology.kubernetes.io/zone" },
  "beta.kubernetes.io/instance-type": { since: "v1.17", now: "node.kubernetes.io/instance-type" },
};

export function podWarnings({ metadata, spec }: Pod): string[] {
  const outdated = metadata.annotations?.[seccompAnnotation] !== undefined;
  return [
    ...podSpecWarnings(spec, "spec"),
    ...(outdated
      ? [`metadata.annotations[${seccompAnnotation}]: non-functional in v1.27+; use the "seccompProfile" field instead`]
      : []),
  ];
}

/** What is allowed in a pod's spec and yet seldom meant. `at`: its place ("spec.template.spec"). */
export function podSpecWarnings(spec: PodSpec, at: string): string[] {
  const warnings: string[] = [];
  for (const label of Object.keys(spec.nodeSelector ?? {})) {
    const renamed = renamedLabels[label];
    if (renamed)
      warnings.push(`${at}.nodeSelector[${label}]: deprecated since ${renamed.since}; use "${renamed.now}" instead`);
  }
  for (const [i, { labelSelector }] of (spec.topologySpreadConstraints ?? []).entries())
    if (!labelSelector)
      warnings.push(
        `${at}.topologySpreadConstraints[${i}].labelSelector: a null labelSelector results in matching no pod`,
      );
  const addresses = (spec.hostAliases ?? []).map(({ ip }) => ip);
  for (const [i, ip] of addresses.entries())
    if (addresses.indexOf(ip) < i) warnings.push(`${at}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`);
  for (const [i, { name }] of (spec.imagePullSecrets ?? []).entries())
    if (!name) warnings.push(`${at}.imagePullSecrets[${i}].name: invalid empty name ""`);
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, container] of (spec[list] ?? []).entries())
      warnings.push(...containerWarnings(container, `${at}.${list}[${i}]`));
  return warnings;
}

function containerWarnings({ env = [], ports = [], resources }: Container, at: string): string[] {
  const warnings: string[] = [];
  const names = env.map(({ name }) => name);
  for (const [i, name] of names.entries())
    if (names.indexOf(name) < i)
      warnings.push(
        `${at}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
      );
  for (const resource of ["memory", "ephemeral-storage"])
    for (const list of ["limits", "requests"] as const)
      warnings.push(...fractionWarning(resources?.[list]?.[resource], `${at}.resources.${list}[${resource}]`));
  const shapes = ports.map(({ containerPort, hostPort, hostIP, protocol }) =>
    JSON.stringify([containerPort, hostPort, hostIP, protocol]),
  );
  for (const [i, shape] of shapes.entries()) {
    const first = shapes.indexOf(shape);
    if (first < i) warnings.push(`${at}.ports[${i}]: duplicate port definition with ${at}.ports[${first}]`);
  }
  return warnings;
}
