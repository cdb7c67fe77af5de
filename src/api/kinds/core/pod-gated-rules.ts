import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import type { NodeSelectorTerm, PodSpec } from "../../schema/types.ts";
import { inKeyOrder } from "../../validate/labels.ts";

const required = "requiredDuringSchedulingIgnoredDuringExecution";

/**
 * While gates hold a pod back, where it may go can be narrowed (Kubernetes docs, "Pod Scheduling Readiness").
 * Puts the old placement into `spec`, so that the rest can be compared.
 */
export function validateGatedPlacement(spec: PodSpec, old: PodSpec, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const [after, before] = [spec.nodeSelector ?? {}, old.nodeSelector ?? {}];
  if (Object.entries(before).some(([key, value]) => after[key] !== value))
    errors.push(
      at
        .child("nodeSelector")
        .invalid(inKeyOrder(after), "only additions to spec.nodeSelector are allowed (no mutations or deletions)"),
    );
  if (old.nodeSelector) spec.nodeSelector = old.nodeSelector;
  else delete spec.nodeSelector;
  if (isDeepStrictEqual(spec.affinity?.nodeAffinity, old.affinity?.nodeAffinity)) return errors;
  errors.push(...validateNodeAffinityChange(spec, old, at.child("affinity", "nodeAffinity", required)));
  const { nodeAffinity: _, ...others } = spec.affinity ?? {};
  if (old.affinity)
    spec.affinity = { ...others, ...(old.affinity.nodeAffinity && { nodeAffinity: old.affinity.nodeAffinity }) };
  else if (Object.keys(others).length === 0) delete spec.affinity;
  return errors;
}

function validateNodeAffinityChange(spec: PodSpec, old: PodSpec, at: Path): FieldError[] {
  const before = old.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  const after = spec.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  const place = at.child("nodeSelectorTerms");
  if (before.length > 0 && before.length !== after.length)
    return [
      place.invalid(
        after.length > 0 ? after.map((term) => goView("NodeSelectorTerm", term)) : undefined,
        "no additions/deletions to non-empty NodeSelectorTerms list are allowed",
      ),
    ];
  return before.flatMap((term, i) => {
    const next = after[i] ?? {};
    return onlyAdds(next, term)
      ? []
      : [
          place
            .index(i)
            .invalid(goView("NodeSelectorTerm", next), "only additions are allowed (no mutations or deletions)"),
        ];
  });
}

function onlyAdds(after: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  // A term without requirements matches nothing: one with requirements would match more.
  if (lists.every((list) => !before[list]?.length)) return lists.every((list) => !after[list]?.length);
  return lists.every((list) =>
    isDeepStrictEqual((after[list] ?? []).slice(0, before[list]?.length ?? 0), before[list] ?? []),
  );
}
