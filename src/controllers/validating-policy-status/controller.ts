import { validatingAdmissionPolicy } from "../../api/kinds/admissionregistration/validating-admission-policy.ts";
import { builtinKinds } from "../../api/kinds/all.ts";
import { customResourceDefinition } from "../../api/kinds/apiextensions/custom-resource-definition.ts";
import { nodeFromSchema } from "../../api/schema/structural.ts";
import { isType, typeNode } from "../../api/schema/table.ts";
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from "../../api/schema/types.ts";
import { defineController, settled } from "../../client/controller.ts";
import { decide, type KnownKind } from "./decide.ts";

/** Says in the status of policies which of their expressions cannot fit what they are about. */
export const validatingPolicyStatusController = defineController<ValidatingAdmissionPolicy>({
  name: "validatingadmissionpolicy-status",
  reconciles: validatingAdmissionPolicy,
  reads: [customResourceDefinition],
  matters: ({ after }) =>
    after !== undefined && (after.status?.observedGeneration ?? 0) < (after.metadata.generation ?? 1),

  async reconcile(key, { cache, client }) {
    const policy = cache.get(validatingAdmissionPolicy, key);
    if (!policy) return settled;
    const status = decide(policy, [...builtins(), ...cache.list(customResourceDefinition).flatMap(customKinds)]);
    if (status) await cache.seen(await client.updateStatus(validatingAdmissionPolicy, { ...policy, status }));
    return settled;
  },
});

function builtins(): KnownKind[] {
  return builtinKinds.flatMap(({ group, version, kind, plural, type }) =>
    isType(type) ? [{ group, version, kind, plural, node: typeNode(type) }] : [],
  );
}

function customKinds({ spec: { group, names, versions } }: CustomResourceDefinition): KnownKind[] {
  return versions
    .filter(({ served }) => served)
    .map(({ name, schema }) => ({
      group,
      version: name,
      kind: names.kind,
      plural: names.plural,
      node: nodeFromSchema(schema?.openAPIV3Schema),
    }));
}
