import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { Namespace } from "../../schema/types.ts";
import { dnsLabel, qualifiedName } from "../../validate/names.ts";

const nameLabel = "kubernetes.io/metadata.name";
const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

export const namespace = defineKind<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: { finalize: { sort: "part", owns: ["spec"], verbs: ["update"] }, status: true },
  validateName: dnsLabel,
  selectable: ["status.phase", { field: "name", value: ({ metadata }) => metadata.name }],
  columns: [nameColumn, { name: "Status", type: "string", cell: ({ status }) => status?.phase ?? "" }, ageColumn],
  deletion: {
    answersObject: true,
    begin(namespace) {
      namespace.status = { ...namespace.status, phase: "Terminating" };
    },
  },

  defaults: labelByName,

  prepareCreate(namespace) {
    labelByName(namespace);
    namespace.spec ??= {};
    const finalizers = namespace.spec.finalizers ?? [];
    // What empties the namespace takes this away when it is done.
    namespace.spec.finalizers = finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"];
    namespace.status = { phase: "Active" };
  },
  prepareUpdate(namespace, old) {
    namespace.spec = { ...namespace.spec };
    if (old.spec?.finalizers) namespace.spec.finalizers = [...old.spec.finalizers];
    else delete namespace.spec.finalizers;
  },

  validate: ({ spec }, root) =>
    (spec?.finalizers ?? []).flatMap((finalizer) => validateFinalizer(finalizer, root.child("spec", "finalizers"))),

  validateSubresource(subresource, namespace, _old, root) {
    if (subresource === "finalize")
      return (namespace.spec?.finalizers ?? []).flatMap((finalizer, i) =>
        validateFinalizer(finalizer, root.child("spec", "finalizers").index(i)),
      );
    const leaving = Boolean(namespace.metadata.deletionTimestamp);
    const wanted = leaving ? "Terminating" : "Active";
    const phase = namespace.status?.phase ?? "";
    if (phase === wanted) return [];
    const when = leaving ? "is not empty" : "is empty";
    return [root.child("status", "Phase").invalid(phase, `may only be '${wanted}' if \`deletionTimestamp\` ${when}`)];
  },
});

/** So that selectors can choose namespaces by their name. */
function labelByName({ metadata }: Namespace): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
}

function validateFinalizer(finalizer: string, at: Path): FieldError[] {
  const wrong = qualifiedName(finalizer);
  if (wrong.length > 0) return wrong.map((text) => at.invalid(finalizer, text));
  if (finalizer.includes("/") || standardFinalizers.has(finalizer)) return [];
  return [at.invalid(finalizer, "name is neither a standard finalizer name nor is it fully qualified")];
}
