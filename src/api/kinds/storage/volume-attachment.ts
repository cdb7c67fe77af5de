import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import { defineKind } from "../../kind.ts";
import type {
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttachmentStatus,
  VolumeError,
} from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateInRange, validateText } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";
import { validateInlineVolume } from "../core/persistent-volume-rules.ts";

const longestMessage = 1024;
const mostMetadataBytes = 256 * 1024;
const largestInt32 = 2 ** 31 - 1;

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  scope: "Cluster",
  subresources: { status: true },
  unconditionalUpdate: false,
  judgedTwice: "whole",
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
      ...(source.persistentVolumeName === undefined
        ? []
        : validateText(dnsSubdomain, source.persistentVolumeName, at.child("source", "persistentVolumeName"))),
    ];
  },

  validateUpdate: ({ spec }, old, root) =>
    isDeepStrictEqual(spec, old.spec)
      ? []
      : [root.child("spec").invalid(goView("VolumeAttachmentSpec", spec), "field is immutable")],

  validateSubresource: (_subresource, { status }, _old, root) => validateStatus(status, root.child("status")),
});

function validateStatus(status: VolumeAttachmentStatus | undefined, at: Path): FieldError[] {
  const { attachmentMetadata = {}, attachError, detachError } = status ?? {};
  const bytes = Object.entries(attachmentMetadata).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return [
    ...(bytes > mostMetadataBytes ? [at.child("attachmentMetadata").tooLong(mostMetadataBytes)] : []),
    ...validateVolumeError(attachError, at.child("attachError")),
    ...validateVolumeError(detachError, at.child("detachError")),
  ];
}

function validateVolumeError({ message = "", errorCode = 0 }: VolumeError = {}, at: Path): FieldError[] {
  return [
    // Kubernetes tells another limit than it keeps.
    ...(Buffer.byteLength(message) > longestMessage ? [at.child("message").tooLong(mostMetadataBytes)] : []),
    ...validateInRange(errorCode, [0, largestInt32], at.child("errorCode")),
  ];
}

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource, at: Path): FieldError[] {
  const one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!inlineVolumeSpec && persistentVolumeName === undefined) return [at.required(one)];
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [at.forbidden(one)];
  if (persistentVolumeName === "")
    return [at.child("persistentVolumeName").required("must specify non empty persistentVolumeName")];
  if (!inlineVolumeSpec) return [];
  return validateInlineVolume(inlineVolumeSpec, at.child("inlineVolumeSpec"));
}
