import { type CheckedPod, containersWith, everyContainer, type Violation } from "./check.ts";
import { quoted, settersNamed, sortedUnique } from "./words.ts";

/** What the annotations of old could say and be allowed. */
export const plainSeccomp = /^(runtime\/default|docker\/default|localhost\/.*)$/;

/** Profiles that are named and may not be. */
export function badSeccomp(pod: CheckedPod): Violation | undefined {
  const own = pod.spec.securityContext?.seccompProfile?.type;
  const containers = containersWith(pod, ({ seccompProfile }) => isBad(seccompProfile?.type));
  const setters = settersNamed(isBad(own), containers);
  if (setters.length === 0) return undefined;
  const all = [own, ...everyContainer(pod).map(({ securityContext }) => securityContext?.seccompProfile?.type)];
  return {
    reason: "seccompProfile",
    detail: `${setters.join(" and ")} must not set securityContext.seccompProfile.type to ${quoted(sortedUnique(all.filter(isBad)))}`,
  };
}

function isBad(type: string | undefined): type is string {
  return type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
}
