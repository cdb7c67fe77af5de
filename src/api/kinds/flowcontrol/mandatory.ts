import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from "../../schema/types.ts";

/*
 * What stands at the ends of the line and never changes (Kubernetes docs, "API Priority and Fairness", section "Mandatory
 * configuration objects").
 */
const everything = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const group = (name: string) => ({ kind: "Group", group: { name } });

const schemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    priorityLevelConfiguration: { name: "exempt" },
    matchingPrecedence: 1,
    rules: [{ subjects: [group("system:masters")], ...everything }],
  },
  "catch-all": {
    priorityLevelConfiguration: { name: "catch-all" },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: "ByUser" },
    rules: [{ subjects: [group("system:unauthenticated"), group("system:authenticated")], ...everything }],
  },
};

const levels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: "Exempt" },
  "catch-all": {
    type: "Limited",
    limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" }, lendablePercent: 0 },
  },
};

/** A schema that every cluster has says what it always has said. */
export function validateFixedSchema(name: string, spec: FlowSchemaSpec, at: Path): FieldError[] {
  const fixed = schemas[name];
  if (!fixed || isDeepStrictEqual(plain(spec), fixed)) return [];
  return [at.invalid(goView("FlowSchemaSpec", spec), `spec of '${name}' must equal the fixed value`)];
}

/** The same for levels; how much the exempt one lends may be changed. */
export function validateFixedLevel(name: string, spec: PriorityLevelConfigurationSpec, at: Path): FieldError[] {
  const fixed = levels[name];
  const { exempt: _, ...rest } = spec;
  if (!fixed || isDeepStrictEqual(plain(name === "exempt" ? rest : spec), fixed)) return [];
  const what = name === "exempt" ? "spec of 'exempt' except the 'spec.exempt' field" : `spec of '${name}'`;
  return [at.invalid(goView("PriorityLevelConfigurationSpec", spec), `${what} must equal the fixed value`)];
}

/** Without fields that are there and undefined. */
function plain(spec: object): unknown {
  return JSON.parse(JSON.stringify(spec));
}
