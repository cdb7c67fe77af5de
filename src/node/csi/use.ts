import type { Pod } from "../../api/schema/types.ts";
import type { DriverTraits, VolumeUse } from "./driver.ts";
import type { WantedVolume } from "./mount.ts";

/** Whether the volume is a bare device. */
export const isBareDevice = (wanted: WantedVolume): boolean =>
  "volume" in wanted && wanted.volume.spec.volumeMode === "Block";

/** In which way a pod uses a volume, in the interface's terms. */
export function useOf(pod: Pod, wanted: WantedVolume, traits: DriverTraits): VolumeUse {
  const source = "inline" in wanted ? wanted.inline : wanted.volume.spec.csi;
  const group = pod.spec.securityContext?.fsGroup;
  return {
    ...(source?.fsType && { fsType: source.fsType }),
    flags: "inline" in wanted ? [] : [...(wanted.volume.spec.mountOptions ?? [])],
    accessMode: accessModeOf("inline" in wanted ? ["ReadWriteOnce"] : (wanted.volume.spec.accessModes ?? []), traits),
    ...(traits.setsGroup && group !== undefined && { group: String(group) }),
    isBlock: isBareDevice(wanted),
  };
}

/** The numbers of the interface. A driver that knows no finer ones is told of one writer. */
function accessModeOf(modes: readonly string[], { tellsWriters }: DriverTraits): number {
  if (modes.includes("ReadWriteMany")) return 5;
  if (modes.includes("ReadOnlyMany")) return modes.includes("ReadWriteOnce") ? 4 : 3;
  if (!tellsWriters) return 1;
  return modes.includes("ReadWriteOncePod") ? 6 : 7;
}

/** Kubernetes docs, "Pod information on mount". */
export function podInfo({ metadata, spec }: Pod, { isInline }: { isInline: boolean }): Record<string, string> {
  return {
    "csi.storage.k8s.io/pod.name": metadata.name,
    "csi.storage.k8s.io/pod.namespace": metadata.namespace ?? "",
    "csi.storage.k8s.io/pod.uid": metadata.uid ?? "",
    "csi.storage.k8s.io/serviceAccount.name": spec.serviceAccountName ?? "",
    "csi.storage.k8s.io/ephemeral": String(isInline),
  };
}

/** Tokens by audience, as drivers read them. A token says itself when it ends. */
export function tokensText(tokens: readonly { readonly audience: string; readonly token: string }[]): string {
  const sorted = tokens.toSorted((a, b) => (a.audience < b.audience ? -1 : 1));
  return JSON.stringify(
    Object.fromEntries(
      sorted.map(({ audience, token }) => [audience, { token, expirationTimestamp: endOf(token) }] as const),
    ),
  );
}

function endOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { exp?: number };
  return new Date((claims.exp ?? 0) * 1000).toISOString().replace(".000Z", "Z");
}
