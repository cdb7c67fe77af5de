import type { FieldError, Path } from "../field.ts";
import type { TopologySpreadConstraint } from "../schema/types.ts";
import { validateLabelName, validateLabelSelector } from "./labels.ts";
import { validateOneOf } from "./values.ts";

/** Kubernetes docs, "Pod Topology Spread Constraints". */
export function validateSpread(constraints: readonly TopologySpreadConstraint[], at: Path): FieldError[] {
  return constraints.flatMap((constraint, i) => {
    const place = at.index(i);
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable = "" } = constraint;
    const repeated = constraints
      .slice(i + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    return [
      ...(maxSkew > 0 ? [] : [place.child("maxSkew").invalid(maxSkew, "must be greater than zero")]),
      ...(topologyKey ? [] : [place.child("topologyKey").required("can not be empty")]),
      ...validateOneOf(whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"], place.child("whenUnsatisfiable")),
      ...(repeated
        ? [place.child("{topologyKey, whenUnsatisfiable}").duplicate(`{${topologyKey}, ${whenUnsatisfiable}}`)]
        : []),
      ...validateMinDomains(constraint, place.child("minDomains")),
      ...(["nodeAffinityPolicy", "nodeTaintsPolicy"] as const).flatMap((field) =>
        constraint[field] === undefined
          ? []
          : validateOneOf(constraint[field], ["Honor", "Ignore"], place.child(field)),
      ),
      ...validateMatchKeys(constraint, place.child("matchLabelKeys")),
      ...validateLabelSelector(constraint.labelSelector, place.child("labelSelector")),
    ];
  });
}

function validateMinDomains({ minDomains, whenUnsatisfiable }: TopologySpreadConstraint, at: Path): FieldError[] {
  if (minDomains === undefined) return [];
  return [
    ...(minDomains > 0 ? [] : [at.invalid(minDomains, "must be greater than zero")]),
    ...(whenUnsatisfiable === "DoNotSchedule"
      ? []
      : [
          at.invalid(
            minDomains,
            `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable ?? ""}`,
          ),
        ]),
  ];
}

function validateMatchKeys({ matchLabelKeys = [], labelSelector }: TopologySpreadConstraint, at: Path): FieldError[] {
  if (matchLabelKeys.length === 0) return [];
  const errors = labelSelector ? [] : [at.forbidden("must not be specified when labelSelector is not set")];
  // A pod's own labels have been merged into its selector: only what stands there twice was written by someone.
  const keys = [
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ];
  for (const [i, key] of matchLabelKeys.entries()) {
    errors.push(...validateLabelName(key, at.index(i)));
    if (keys.filter((other) => other === key).length > 1)
      errors.push(at.index(i).invalid(key, "exists in both matchLabelKeys and labelSelector"));
  }
  return errors;
}
