import { defineKind, type Kind } from "../api/kind.ts";
import { builtinKinds } from "../api/kinds/all.ts";
import type { CustomResourceDefinition } from "../api/schema/types.ts";

/** Kinds whose objects are stored once but appear under several groups or versions: only the first is looked at. */
function withoutRepeats(kinds: readonly Kind[]): Kind[] {
  return kinds.filter((kind) => !kind.stored);
}

/** The built-in kinds whose objects can be listed, watched and deleted. */
export const deletableKinds: readonly Kind[] = withoutRepeats(builtinKinds).filter(({ verbs }) =>
  (["list", "watch", "delete"] as const).every((verb) => verbs.includes(verb)),
);

/** The kind that a CustomResourceDefinition declares, once the server serves it; as much of it as a client needs. */
export function kindFrom({ spec, status }: CustomResourceDefinition): Kind | undefined {
  const established = status?.conditions?.some(
    (condition) => condition.type === "Established" && condition.status === "True",
  );
  const version =
    spec.versions.find((candidate) => candidate.storage && candidate.served) ??
    spec.versions.find((candidate) => candidate.served);
  if (!established || !version) return undefined;
  const { kind, plural, singular } = spec.names;
  return defineKind({
    group: spec.group,
    version: version.name,
    kind,
    plural,
    ...(singular && { singular }),
    scope: spec.scope === "Cluster" ? "Cluster" : "Namespaced",
  });
}
