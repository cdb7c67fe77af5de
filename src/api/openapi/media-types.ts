import type { OperationModel } from "./path-model.ts";

/** The forms in which every built-in object is served. */
export const objectTypes: readonly string[] = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
];
const customTypes = objectTypes.filter((type) => !type.includes("protobuf"));
const streamTypes = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
const customPatchTypes = patchTypes.filter((type) => !type.includes("strategic"));

/** What an operation takes. kubectl reads here which sort of patch it may send. */
export function bodyTypesOf({ body, isCustom, media }: OperationModel): readonly string[] {
  if (media) return media.takes;
  if (body?.isPatch) return isCustom ? customPatchTypes : patchTypes;
  return isCustom ? customTypes : ["*/*"];
}

/** What an operation answers with. */
export function answerTypesOf({ action, answer, streams, isCustom, media }: OperationModel): readonly string[] {
  if (media) return media.gives;
  if (action === "connect") return ["*/*"];
  if (isCustom) return customTypes;
  if (!answer) return ["text/plain", ...objectTypes];
  return streams ? [...objectTypes, ...streamTypes] : objectTypes;
}
