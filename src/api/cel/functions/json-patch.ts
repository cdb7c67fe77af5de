import { type Overload, overload } from "./overload.ts";

/** Kubernetes docs, "Mutating Admission Policy", section "JSONPatch". */
export const jsonPatches: Overload[] = [
  overload("jsonpatch_escapeKey_string", "jsonpatch.escapeKey(string): string", (key: string) =>
    key.replaceAll("~", "~0").replaceAll("/", "~1"),
  ),
];
