import { keyText } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";

/** The index of pods by the claims that they use, those of their ephemeral volumes too. */
export function podsByClaim({ metadata, spec }: Pod): readonly string[] {
  const { namespace } = metadata;
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim, ephemeral }) => {
    if (claim) return [keyText({ namespace, name: claim.claimName })];
    return ephemeral ? [keyText({ namespace, name: `${metadata.name}-${name}` })] : [];
  });
}
