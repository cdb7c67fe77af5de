import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import { defineKind } from "../../kind.ts";
import type { VolumeAttachment, VolumeAttachmentSource } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";
import { validateInlineVolume } from "../core/persistent-volume-rules.ts";

const longestMessage = 1024;

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  scope: "Cluster",
  subresources: { status: true },
  unconditionalUpdate: false,
  deletion: { answersObject: true },
  columns: [
    nameColumn,
    { name: "Attacher", type: "string", format: "name", cell: ({ spec }) => spec.attacher },
    { name: "PV", type: "string", cell: ({ spec }) => spec.source?.persistentVolumeName ?? "" },
    { name: "Node", type: "string", cell: ({ spec }) => spec.nodeName },
    { name: "Attached", type: "boolean", cell: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],

  validate({ spec }, root) {
    const at = root.child("spec");
    const { attacher = "", nodeName = "", source = {} } = spec;
    return [
      ...validateCsiDriverName(attacher, at.child("attacher")),
      ...validateSource(source, at.child("source")),
      ...validateText(dnsSubdomain, nodeName, at.child("nodeName")),
    ];
  },

  validateUpdate: ({ spec }, old, root) =>
    isDeepStrictEqual(spec, old.spec)
      ? []
      : [root.child("spec").invalid(goView("VolumeAttachmentSpec", spec), "field is immutable")],

  validateSubresource: (_subresource, { status }, _old, root) =>
    (["attachError", "detachError"] as const).flatMap((field) => {
      const at = root.child("status", field, "message");
      return (status?.[field]?.message?.length ?? 0) > longestMessage ? [at.tooLong(longestMessage)] : [];
    }),
});

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource, at: Path): FieldError[] {
  const one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!inlineVolumeSpec && persistentVolumeName === undefined) return [at.required(one)];
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [at.forbidden(one)];
  if (persistentVolumeName === "")
    return [at.child("persistentVolumeName").required("must specify non empty persistentVolumeName")];
  if (!inlineVolumeSpec) return [];
  return validateInlineVolume(inlineVolumeSpec, at.child("inlineVolumeSpec"));
}
