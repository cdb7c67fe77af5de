import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { qosClassOf } from "../../qos.ts";
import { compareQuantities } from "../../quantity.ts";
import type { Container, Pod } from "../../schema/types.ts";
import { mirrorAnnotation } from "../../validate/pod-annotations.ts";

type List = Readonly<Record<string, string>>;

/** Kubernetes docs, "Resize CPU and Memory Resources assigned to Containers". */
export function validatePodResize(pod: Pod, old: Pod, root: Path): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined)
    return [root.key("").forbidden("static pods cannot be resized")];
  if (old.spec.os?.name === "windows") return [root.key("").forbidden("windows pods cannot be resized")];
  const at = root.child("spec");
  const errors: FieldError[] = [];
  if ((old.status?.qosClass ?? qosClassOf(old.spec)) !== qosClassOf(pod.spec))
    errors.push(at.invalid(pod.status?.qosClass ?? "", "Pod QOS Class may not change as a result of resizing"));
  const running = (old.status?.containerStatuses ?? []).find(({ state }) => state?.running);
  if (running && !running.resources) errors.push(at.forbidden("Pod running on node without support for resize"));
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, before] of (old.spec[list] ?? []).entries()) {
      const after = pod.spec[list]?.[i];
      if (!after || (list === "initContainers" && before.restartPolicy !== "Always")) continue;
      errors.push(...validateRemoved(after, before, at.child(list).index(i).child("resources")));
    }
  for (const list of ["containers", "initContainers"] as const)
    for (const [i, before] of (old.spec[list] ?? []).entries())
      errors.push(...validateOnlyCompute(pod.spec[list]?.[i] ?? before, before, { init: list !== "containers", at }));
  return errors;
}

function validateRemoved(after: Container, before: Container, at: Path): FieldError[] {
  return (["requests", "limits"] as const).flatMap((list) => {
    const next = after.resources?.[list] ?? {};
    const removed = Object.keys(before.resources?.[list] ?? {}).some((name) => !(name in next));
    return removed ? [at.child(list).forbidden(`resource ${list} cannot be removed`)] : [];
  });
}

function validateOnlyCompute(
  after: Container,
  before: Container,
  { init, at }: { init: boolean; at: Path },
): FieldError[] {
  const plainInit = init && before.restartPolicy !== "Always";
  const same = plainInit
    ? isDeepStrictEqual(after.resources, before.resources)
    : (["requests", "limits"] as const).every((list) =>
        sameBeyondCompute(after.resources?.[list] ?? {}, before.resources?.[list] ?? {}),
      ) && isDeepStrictEqual(after.resources?.claims, before.resources?.claims);
  if (same) return [];
  if (plainInit) return [at.forbidden("resources for non-sidecar init containers are immutable")];
  return [
    at.forbidden(
      init
        ? "only cpu and memory resources for sidecar containers are mutable"
        : "only cpu and memory resources are mutable",
    ),
  ];
}

function sameBeyondCompute(after: List, before: List): boolean {
  const names = new Set([...Object.keys(after), ...Object.keys(before)]);
  return [...names].every(
    (name) =>
      name === "cpu" ||
      name === "memory" ||
      (name in after && name in before && compareQuantities(after[name] ?? "0", before[name] ?? "0") === 0),
  );
}
