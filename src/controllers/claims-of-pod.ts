import { keyText } from "../api/object.ts";
import { claimsOfPod } from "../api/pod-claims.ts";
import type { Pod } from "../api/schema/types.ts";

/** The index of pods by the claims that they use, those of their ephemeral volumes too. */
export function podsByClaim(pod: Pod): readonly string[] {
  return claimsOfPod(pod).map(({ name }) => keyText({ namespace: pod.metadata.namespace, name }));
}
