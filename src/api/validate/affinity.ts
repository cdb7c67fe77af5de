import type { FieldError, Path } from "../field.ts";
import type {
  Affinity,
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
} from "../schema/types.ts";
import { validateLabelName, validateLabelSelector } from "./labels.ts";
import { dnsLabel, dnsSubdomain, labelValue } from "./names.ts";
import { validateText } from "./values.ts";

/* Kubernetes docs, "Assigning Pods to Nodes". */

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

export function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, at: Path): FieldError[] {
  return [
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity, at.child("nodeAffinity")) : []),
    ...(podAffinity ? validatePodAffinity(podAffinity, at.child("podAffinity")) : []),
    ...(podAntiAffinity ? validatePodAffinity(podAntiAffinity, at.child("podAntiAffinity")) : []),
  ];
}

function validateNodeAffinity(affinity: NodeAffinity, at: Path): FieldError[] {
  const must = affinity[required];
  return [
    ...(must ? validateNodeSelector(must, at.child(required)) : []),
    ...(affinity[preferred] ?? []).flatMap(({ weight, preference }, i) => {
      const place = at.child(preferred).index(i);
      // Values that no label can have are let through here: a preference that nothing meets harms nobody.
      return [
        ...validateWeight(weight, place),
        ...validateNodeTerm(preference ?? {}, { checkValues: false }, place.child("preference")),
      ];
    }),
  ];
}

export function validateNodeSelector({ nodeSelectorTerms: terms }: NodeSelector, at: Path): FieldError[] {
  const place = at.child("nodeSelectorTerms");
  if (!terms?.length) return [place.required("must have at least one node selector term")];
  return terms.flatMap((term, i) => validateNodeTerm(term, { checkValues: true }, place.index(i)));
}

function validateWeight(weight: number, at: Path): FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [at.child("weight").invalid(weight ?? 0, "must be in the range 1-100")];
}

function validateNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  { checkValues }: { checkValues: boolean },
  at: Path,
): FieldError[] {
  return [
    ...matchExpressions.flatMap((requirement, i) => {
      const place = at.child("matchExpressions").index(i);
      const values = checkValues ? (requirement.values ?? []) : [];
      return [
        ...validateOperator(requirement, place),
        ...validateLabelName(requirement.key ?? "", place.child("key")),
        ...values.flatMap((value, j) => validateText(labelValue, value, place.child("values").index(j))),
      ];
    }),
    ...matchFields.flatMap((requirement, i) => validateNodeField(requirement, at.child("matchFields").index(i))),
  ];
}

function validateOperator({ operator = "", values = [] }: NodeSelectorRequirement, at: Path): FieldError[] {
  const place = at.child("values");
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0 ? [] : [place.required("must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [place.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    case "Gt":
    case "Lt":
      return values.length === 1
        ? []
        : [place.required("must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [at.child("operator").invalid(operator, "not a valid selector operator")];
  }
}

/** The only field of nodes that can be asked for is the name. */
function validateNodeField({ key = "", operator = "", values = [] }: NodeSelectorRequirement, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn")
    errors.push(at.child("operator").invalid(operator, "not a valid selector operator"));
  else if (values.length !== 1)
    errors.push(
      at.child("values").required("must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    );
  if (key !== "metadata.name") errors.push(at.child("key").invalid(key, "not a valid field selector key"));
  else errors.push(...values.flatMap((name, i) => validateText(dnsSubdomain, name, at.child("values").index(i))));
  return errors;
}

function validatePodAffinity(affinity: PodAffinity, at: Path): FieldError[] {
  return [
    ...(affinity[required] ?? []).flatMap((term, i) => validatePodTerm(term, at.child(required).index(i))),
    ...(affinity[preferred] ?? []).flatMap(({ weight, podAffinityTerm }, i) => {
      const place = at.child(preferred).index(i);
      return [...validateWeight(weight, place), ...validatePodTerm(podAffinityTerm, place.child("podAffinityTerm"))];
    }),
  ];
}

function validatePodTerm(term: PodAffinityTerm, at: Path): FieldError[] {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey = "" } = term;
  return [
    ...validateLabelSelector(labelSelector, at.child("labelSelector")),
    ...validateLabelSelector(namespaceSelector, at.child("namespaceSelector")),
    ...namespaces.flatMap((name) => validateText(dnsLabel, name, at.child("namespace"))),
    ...validateMatchKeys(term, at),
    ...(topologyKey ? [] : [at.child("topologyKey").required("can not be empty")]),
    ...validateLabelName(topologyKey, at.child("topologyKey")),
  ];
}

function validateMatchKeys(
  { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector }: PodAffinityTerm,
  at: Path,
): FieldError[] {
  const lists = { matchLabelKeys, mismatchLabelKeys };
  const errors = Object.entries(lists).flatMap(([field, keys]) => {
    if (keys.length === 0) return [];
    if (!labelSelector) return [at.child(field).forbidden("must not be specified when labelSelector is not set")];
    return keys.flatMap((key, i) => validateLabelName(key, at.child(field).index(i)));
  });
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const position = matchLabelKeys.lastIndexOf(key);
    if (position >= 0 && selected.has(key))
      errors.push(at.index(position).invalid(key, "exists in both matchLabelKeys and labelSelector"));
    selected.add(key);
  }
  for (const [i, key] of matchLabelKeys.entries())
    if (mismatchLabelKeys.includes(key))
      errors.push(
        at.child("matchLabelKeys").index(i).invalid(key, "exists in both matchLabelKeys and mismatchLabelKeys"),
      );
  return errors;
}
