import type { PersistentVolumeClaim } from "../../api/schema/types.ts";

/** What a path pattern may name, and where it is found. */
export interface PatternFields {
  readonly PVName: string;
  readonly PVC: Pick<PersistentVolumeClaim["metadata"], "namespace" | "name" | "labels" | "annotations">;
}

const action = /\{\{\s*(.*?)\s*\}\}/g;
const keyed = /^index\s+\.PVC\.(Labels|Annotations)\s+"([^"]+)"$/;
const dotted = /^\.PVC\.(Labels|Annotations)\.([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * The directory that a StorageClass asks for by its parameter `pathPattern`, in the words of local-path-provisioner:
 * `{{ .PVC.Namespace }}/{{ .PVC.Name }}`. @throws an Error for a pattern that leads elsewhere or names what is not there
 */
export function pathFromPattern(pattern: string, fields: PatternFields): string {
  const path = pattern.replaceAll(action, (whole, text: string) => {
    const value = fieldOf(text, fields);
    if (value === undefined) throw new Error(`pathPattern ${JSON.stringify(pattern)}: nothing is known of ${whole}`);
    return value;
  });
  const segments = path.split("/");
  if (path.startsWith("/") || segments.some((each) => each === "" || each === "." || each === ".."))
    throw new Error(
      `pathPattern ${JSON.stringify(pattern)}: ${JSON.stringify(path)} is not a path below the storage directory`,
    );
  return path;
}

function fieldOf(text: string, { PVName, PVC }: PatternFields): string | undefined {
  switch (text) {
    case ".PVName":
      return PVName;
    case ".PVC.Name":
      return PVC.name;
    case ".PVC.Namespace":
      return PVC.namespace;
    default: {
      const [, field, key = ""] = keyed.exec(text) ?? dotted.exec(text) ?? [];
      if (field === undefined) return undefined;
      return (field === "Labels" ? PVC.labels : PVC.annotations)?.[key];
    }
  }
}
