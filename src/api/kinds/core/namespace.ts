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
  selectable: ["status.phase"],
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

  validate: ({ metadata, spec }, root) => [
    ...(spec?.finalizers ?? []).flatMap((finalizer) => validateFinalizer(finalizer, root.child("spec", "finalizers"))),
    ...validateSecurityLabels(metadata.labels ?? {}, root.child("metadata", "labels")),
  ],

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

const securityPrefix = "pod-security.kubernetes.io/";

/** Kubernetes docs, "Pod Security Admission": how strict the namespace is with its pods. */
function validateSecurityLabels(labels: Readonly<Record<string, string>>, at: Path): FieldError[] {
  return ["enforce", "audit", "warn"].flatMap((mode) => {
    const [level, version] = [labels[securityPrefix + mode], labels[`${securityPrefix}${mode}-version`]];
    const errors: FieldError[] = [];
    if (level !== undefined && !["privileged", "baseline", "restricted"].includes(level))
      errors.push(at.key(securityPrefix + mode).invalid(level, "must be one of privileged, baseline, restricted"));
    if (version !== undefined && version !== "latest" && !/^v1\.(0|[1-9][0-9]*)$/.test(version))
      errors.push(at.key(`${securityPrefix}${mode}-version`).invalid(version, 'must be "latest" or "v1.x"'));
    return errors;
  });
}

function validateFinalizer(finalizer: string, at: Path): FieldError[] {
  const wrong = qualifiedName(finalizer);
  if (wrong.length > 0) return wrong.map((text) => at.invalid(finalizer, text));
  if (finalizer.includes("/") || standardFinalizers.has(finalizer)) return [];
  return [at.invalid(finalizer, "name is neither a standard finalizer name nor is it fully qualified")];
}
