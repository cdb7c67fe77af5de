import type { Volume } from "../../../api/schema/types.ts";
import {
  type Check,
  type CheckedPod,
  containersWith,
  everyContainer,
  exceptWindows,
  hasOwnUsers,
  type Violation,
} from "./check.ts";
import { badSeccomp } from "./seccomp.ts";
import { containersNamed, plural, quoted, settersNamed, sortedUnique } from "./words.ts";

/** What the restricted standard says beyond baseline, in the order in which it is told. */
export const restrictedChecks: readonly (readonly Check[])[] = [
  [
    { since: 8, check: privilegeEscalation },
    { since: 25, check: exceptWindows(privilegeEscalation) },
  ],
  [
    { since: 22, check: capabilities },
    { since: 25, check: exceptWindows(capabilities) },
  ],
  [{ since: 35, check: procMount }],
  [{ since: 0, check: volumeTypes }],
  [
    { since: 0, check: runAsNonRoot },
    { since: 35, check: (pod) => (hasOwnUsers(pod) ? undefined : runAsNonRoot(pod)) },
  ],
  [
    { since: 23, check: runAsUser },
    { since: 35, check: (pod) => (hasOwnUsers(pod) ? undefined : runAsUser(pod)) },
  ],
  [
    { since: 19, check: seccompProfile },
    { since: 25, check: exceptWindows(seccompProfile) },
  ],
];

function privilegeEscalation(pod: CheckedPod): Violation | undefined {
  const names = containersWith(pod, (context) => context.allowPrivilegeEscalation !== false);
  if (names.length === 0) return undefined;
  return {
    reason: "allowPrivilegeEscalation != false",
    detail: `${containersNamed(names)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function capabilities(pod: CheckedPod): Violation | undefined {
  const kept = containersWith(pod, (context) => !context.capabilities?.drop?.includes("ALL"));
  const isBad = (capability: string): boolean => capability !== "NET_BIND_SERVICE";
  const adding = containersWith(pod, (context) => context.capabilities?.add?.some(isBad) ?? false);
  const added = everyContainer(pod).flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? []);
  const faults = [
    ...(kept.length > 0 ? [`${containersNamed(kept)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [
          `${containersNamed(adding)} must not include ${quoted(sortedUnique(added.filter(isBad)))} in securityContext.capabilities.add`,
        ]
      : []),
  ];
  return faults.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: faults.join("; ") };
}

/** Baseline says the same, before user namespaces came. */
export function procMount(pod: CheckedPod): Violation | undefined {
  const isBad = (type: string | undefined): type is string => type !== undefined && type !== "Default";
  const names = containersWith(pod, (context) => isBad(context.procMount));
  if (names.length === 0) return undefined;
  const types = everyContainer(pod).map(({ securityContext }) => securityContext?.procMount);
  return {
    reason: "procMount",
    detail: `${containersNamed(names)} must not set securityContext.procMount to ${quoted(sortedUnique(types.filter(isBad)))}`,
  };
}

const allowedVolumes: readonly (keyof Volume)[] = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

function volumeTypes({ spec }: CheckedPod): Violation | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.some((type) => volume[type]));
  if (bad.length === 0) return undefined;
  const types = sortedUnique(
    bad.map(
      ({ name, ...source }) => Object.keys(source).find((type) => source[type as keyof typeof source]) ?? "unknown",
    ),
  );
  const volumes = `${plural(bad.length, "volume", "volumes")} ${quoted(bad.map(({ name }) => name))}`;
  const uses = `${plural(bad.length, "uses", "use")} ${plural(types.length, "restricted volume type", "restricted volume types")}`;
  return { reason: "restricted volume types", detail: `${volumes} ${uses} ${quoted(types)}` };
}

function runAsNonRoot(pod: CheckedPod): Violation | undefined {
  const own = pod.spec.securityContext?.runAsNonRoot;
  const reason = "runAsNonRoot != true";
  const setters = settersNamed(
    own === false,
    containersWith(pod, (context) => context.runAsNonRoot === false),
  );
  if (setters.length > 0)
    return { reason, detail: `${setters.join(" and ")} must not set securityContext.runAsNonRoot=false` };
  const unset = containersWith(pod, (context) => context.runAsNonRoot === undefined);
  if (own || unset.length === 0) return undefined;
  return { reason, detail: `pod or ${containersNamed(unset)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser(pod: CheckedPod): Violation | undefined {
  const setters = settersNamed(
    pod.spec.securityContext?.runAsUser === 0,
    containersWith(pod, (context) => context.runAsUser === 0),
  );
  if (setters.length === 0) return undefined;
  return { reason: "runAsUser=0", detail: `${setters.join(" and ")} must not set runAsUser=0` };
}

function seccompProfile(pod: CheckedPod): Violation | undefined {
  const bad = badSeccomp(pod);
  if (bad || pod.spec.securityContext?.seccompProfile) return bad;
  const unset = containersWith(pod, (context) => context.seccompProfile === undefined);
  if (unset.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `pod or ${containersNamed(unset)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}
