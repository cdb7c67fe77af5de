import { parseCidr } from "../../../base/ip.ts";
import type { FieldError, Path } from "../../field.ts";
import type { Node, Taint } from "../../schema/types.ts";
import { validateCidr } from "../../validate/addresses.ts";
import { validateLabelName } from "../../validate/labels.ts";
import { labelValue } from "../../validate/names.ts";
import { validateResourceQuantity } from "../../validate/resources.ts";
import { validateTaintEffect } from "../../validate/tolerations.ts";

export function validateNode(node: Node, root: Path): FieldError[] {
  return [
    ...validateTaints(node.spec?.taints ?? [], root.child("metadata", "taints")),
    ...validateNodeResources(node, root),
    ...validatePodCidrs(node.spec?.podCIDRs ?? [], root.child("spec", "podCIDRs")),
  ];
}

export function validateNodeUpdate(node: Node, old: Node, root: Path): FieldError[] {
  const spec = root.child("spec");
  const before = old.spec?.podCIDRs ?? [];
  const after = node.spec?.podCIDRs ?? [];
  const changed = before.length !== after.length ? before.slice(0, 1) : before.filter((cidr, i) => cidr !== after[i]);
  const oldId = old.spec?.providerID;
  return [
    ...validateNodeResources(node, root),
    ...validateAddresses(node, root),
    ...changed.map(() =>
      spec.child("podCIDRs").forbidden('node updates may not change podCIDR except from "" to valid'),
    ),
    ...(oldId && oldId !== node.spec?.providerID
      ? [spec.child("providerID").forbidden('node updates may not change providerID except from "" to valid')]
      : []),
    // Once more: what is checked of new nodes and of changes overlaps.
    ...validateTaints(node.spec?.taints ?? [], root.child("metadata", "taints")),
    ...((node.spec?.externalID ?? "") === (old.spec?.externalID ?? "")
      ? []
      : [spec.child("externalID").forbidden("may not be updated")]),
  ];
}

function validateAddresses({ status }: Node, root: Path): FieldError[] {
  const seen = new Set<string>();
  return (status?.addresses ?? []).flatMap(({ type, address }, i) => {
    const key = `${type}/${address}`;
    const repeated = seen.has(key);
    seen.add(key);
    return repeated ? [root.child("status", "addresses").index(i).duplicate({ Type: type, Address: address })] : [];
  });
}

function validateNodeResources({ status }: Node, root: Path): FieldError[] {
  return (["capacity", "allocatable"] as const).flatMap((list) =>
    Object.entries(status?.[list] ?? {}).flatMap(([name, quantity]) =>
      validateResourceQuantity(name, quantity, root.child("status", list, name)),
    ),
  );
}

function validatePodCidrs(cidrs: readonly string[], at: Path): FieldError[] {
  const errors = cidrs.flatMap((cidr, i) => validateCidr(cidr, at.index(i)));
  if (cidrs.length < 2) return errors;
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.family));
  if (families.size < 2 || cidrs.length > 2)
    errors.push(at.invalid(cidrs, "may specify no more than one CIDR for each IP family"));
  for (const [i, cidr] of cidrs.entries()) if (cidrs.indexOf(cidr) < i) errors.push(at.index(i).duplicate(cidr));
  return errors;
}

function validateTaints(taints: readonly Taint[], at: Path): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key = "", value = "", effect = "", timeAdded }, i) => {
    const place = at.index(i);
    const wrongValue = labelValue(value);
    const errors = [
      ...validateLabelName(key, place.child("key")),
      ...(wrongValue.length > 0 ? [place.child("value").invalid(value, wrongValue.join(";"))] : []),
      ...(effect ? validateTaintEffect(effect, place.child("effect")) : [place.child("effect").required()]),
    ];
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null };
      const repeated = place.duplicate(shown);
      errors.push({ ...repeated, message: `${repeated.message}: taints must be unique by key and effect pair` });
    }
    seen.add(pair);
    return errors;
  });
}
