import type { FieldError, Path } from "../../api/field.ts";
import { parseFieldSelector, parseLabelSelector } from "../../api/selector.ts";
import { StatusError } from "../../api/status.ts";
import { validateSelectorRequirement } from "../../api/validate/labels.ts";

interface Requirement {
  readonly key?: string;
  readonly operator?: string;
  readonly values?: string[];
}

/** A selector as a review asks about it: as text or as requirements (API reference, "FieldSelectorAttributes"). */
export interface AskedSelector {
  readonly rawSelector?: string;
  readonly requirements?: readonly Requirement[];
}

export interface AskedSelectors {
  readonly fieldSelector?: AskedSelector;
  readonly labelSelector?: AskedSelector;
}

/** What is wrong with the selectors of a review. An operator that nobody knows is not: newer clients may know it. */
export function askedSelectorErrors({ fieldSelector, labelSelector }: AskedSelectors, at: Path): FieldError[] {
  return [
    ...formErrors(fieldSelector, at.child("fieldSelector"), fieldRequirementErrors),
    ...formErrors(labelSelector, at.child("labelSelector"), ({ key = "", operator = "", values }, where) =>
      validateSelectorRequirement({ key, operator, ...(values && { values }) }, where, { allowUnknownOperator: true }),
    ),
  ];
}

function formErrors(
  selector: AskedSelector | undefined,
  at: Path,
  requirementErrors: (requirement: Requirement, at: Path) => FieldError[],
): FieldError[] {
  if (!selector) return [];
  const { rawSelector = "" } = selector;
  const requirements = selector.requirements ?? [];
  const errors = requirements.flatMap((requirement, i) =>
    requirementErrors(requirement, at.child("requirements").index(i)),
  );
  if (rawSelector && requirements.length > 0)
    errors.unshift(at.child("rawSelector").invalid(rawSelector, "may not specified at the same time as requirements"));
  if (!rawSelector && requirements.length === 0)
    errors.unshift(
      at.child("requirements").required(`when ${at} is specified, requirements or rawSelector is required`),
    );
  return errors;
}

function fieldRequirementErrors({ key, operator = "", values }: Requirement, at: Path): FieldError[] {
  const errors = key ? [] : [at.child("key").required("must be specified")];
  const count = values?.length ?? 0;
  if (/^(Not)?In$/.test(operator) && count === 0)
    errors.push(at.child("values").required("must be specified when `operator` is 'In' or 'NotIn'"));
  if (/^(Exists|DoesNotExist)$/.test(operator) && count > 0)
    errors.push(at.child("values").forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  return errors;
}

/** What a review's selectors come to for authorizers; what they cannot read is left out, and told. */
export interface ReadSelectors {
  /** In its text form; empty where nothing of it can be used. */
  readonly fieldSelector: string;
  readonly problems: readonly string[];
}

export function readSelectors({ fieldSelector, labelSelector }: AskedSelectors): ReadSelectors {
  const fields = readFields(fieldSelector);
  const problems = [problem("fieldSelector", fields), problem("labelSelector", readLabels(labelSelector))];
  return { fieldSelector: fields.used.join(","), problems: problems.filter((text) => text !== undefined) };
}

interface Read {
  readonly used: readonly string[];
  readonly isWhole: boolean;
}

function problem(name: string, { used, isWhole }: Read): string | undefined {
  if (isWhole) return undefined;
  return `spec.resourceAttributes.${name} ${used.length > 0 ? "partially " : ""}ignored due to parse error`;
}

function readFields({ rawSelector, requirements }: AskedSelector = {}): Read {
  if (rawSelector) return readText(rawSelector, parseFieldSelector);
  const asked = requirements ?? [];
  const used = asked
    .filter(({ operator, values }) => /^(Not)?In$/.test(operator ?? "") && values?.length === 1)
    .map(({ key, operator, values }) => `${key}${operator === "In" ? "=" : "!="}${escapedValue(values?.[0] ?? "")}`);
  return { used, isWhole: used.length === asked.length };
}

function escapedValue(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}

function readLabels({ rawSelector, requirements }: AskedSelector = {}): Read {
  if (rawSelector) return readText(rawSelector, parseLabelSelector);
  const asked = requirements ?? [];
  const used = asked.filter(({ operator = "" }) => ["In", "NotIn", "Exists", "DoesNotExist"].includes(operator));
  return { used: used.map(({ key = "" }) => key), isWhole: used.length === asked.length };
}

function readText(text: string, parse: (text: string) => unknown): Read {
  try {
    parse(text);
    return { used: [text], isWhole: true };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { used: [], isWhole: false };
  }
}
