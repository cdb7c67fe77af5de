import { defineKind, groupVersionFrom, type Kind } from "../api/kind.ts";
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

/** The kinds that are defined at run time, of those CustomResourceDefinitions that are served. */
export function customKinds(definitions: readonly CustomResourceDefinition[]): readonly Kind[] {
  return definitions.flatMap((definition) => kindFrom(definition) ?? []);
}

/** The kind that a reference means, built-in or custom; whichever version the reference names, the server converts. */
export function kindNamed(
  { apiVersion = "v1", kind }: { readonly apiVersion?: string; readonly kind: string },
  definitions: readonly CustomResourceDefinition[],
): Kind | undefined {
  const { group } = groupVersionFrom(apiVersion);
  const isMeant = (one: Kind): boolean => one.kind === kind && one.group === group;
  return builtinKinds.find(isMeant) ?? customKinds(definitions).find(isMeant);
}

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
  const { scale } = version.subresources ?? {};
  return defineKind({
    group: spec.group,
    version: version.name,
    kind,
    plural,
    ...(singular && { singular }),
    scope: spec.scope === "Cluster" ? "Cluster" : "Namespaced",
    ...(scale && {
      subresources: {
        scale: { specReplicas: scale.specReplicasPath, statusReplicas: scale.statusReplicasPath },
      },
    }),
  });
}
