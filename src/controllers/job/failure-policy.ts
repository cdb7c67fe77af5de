import type {
  Job,
  Pod,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
} from "../../api/schema/types.ts";

/** What a Job's pod failure policy makes of a failed pod (Kubernetes docs, "Pod failure policy"). */
export interface Verdict {
  /** "Count" when no rule fits. */
  readonly action: string;
  /** Why, in the words of the condition; for FailJob. */
  readonly message: string;
}

export function verdictOn(pod: Pod, { spec }: Job): Verdict {
  for (const [position, { action, onExitCodes, onPodConditions }] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const what = (onExitCodes && exit(pod, onExitCodes)) ?? (onPodConditions && condition(pod, onPodConditions));
    if (what) return { action, message: `${what} matching ${action} rule at index ${position}` };
  }
  return { action: "Count", message: "" };
}

function exit(
  { metadata, status }: Pod,
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
): string | undefined {
  for (const { name, state } of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
    const code = state?.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName && containerName !== name)) continue;
    if (values.includes(code) === (operator === "In"))
      return `Container ${name} for pod ${metadata.namespace}/${metadata.name} failed with exit code ${code}`;
  }
  return undefined;
}

function condition(
  { metadata, status }: Pod,
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
): string | undefined {
  const found = status?.conditions?.find((one) =>
    patterns.some(({ type, status: wanted = "True" }) => type === one.type && wanted === one.status),
  );
  return found && `Pod ${metadata.namespace}/${metadata.name} has condition ${found.type}`;
}
