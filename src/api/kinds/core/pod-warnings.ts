import type { Pod, PodSpec } from "../../schema/types.ts";

export function podWarnings({ spec }: Pod): string[] {
  return podSpecWarnings(spec, "spec");
}

/** What is allowed in a pod's spec and yet seldom meant. `at`: its place ("spec.template.spec"). */
export function podSpecWarnings(spec: PodSpec, at: string): string[] {
  const warnings: string[] = [];
  for (const [i, { labelSelector }] of (spec.topologySpreadConstraints ?? []).entries())
    if (!labelSelector)
      warnings.push(
        `${at}.topologySpreadConstraints[${i}].labelSelector: a null labelSelector results in matching no pod`,
      );
  for (const [i, { name }] of (spec.imagePullSecrets ?? []).entries())
    if (!name) warnings.push(`${at}.imagePullSecrets[${i}].name: invalid empty name ""`);
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, { env = [] }] of (spec[list] ?? []).entries()) {
      const first = new Map<string, number>();
      for (const [j, { name }] of env.entries()) {
        const earlier = first.get(name);
        if (earlier === undefined) first.set(name, j);
        else
          warnings.push(
            `${at}.${list}[${i}].env[${j}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
          );
      }
    }
  return warnings;
}
