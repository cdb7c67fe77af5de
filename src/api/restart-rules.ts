import type { ContainerRestartRule } from "./schema/types.ts";

/** The first of a container's rules that speaks of such an end (Kubernetes docs, "Pod Lifecycle", "Container restart rules"). */
export function restartRuleFor(
  rules: readonly ContainerRestartRule[] | undefined,
  exitCode: number,
): ContainerRestartRule | undefined {
  return rules?.find(({ exitCodes }) => {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === "NotIn" ? !isListed : isListed;
  });
}
