import type { Pod } from "../api/schema/types.ts";

/** The index of pods by the node they are bound to. */
export const podsOnNode = (pod: Pod): readonly string[] => (pod.spec.nodeName ? [pod.spec.nodeName] : []);
