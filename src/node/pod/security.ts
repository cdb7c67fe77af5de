import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Container, Pod } from "../../api/schema/types.ts";
import type { ContainerSecurity, Image } from "../runtime.ts";
import { ContainerConfigError } from "./environment.ts";

/** Kubernetes docs, "Configure a Security Context for a Pod or Container". `profiles`: where Localhost seccomp profiles lie. */
export async function securityOf(
  pod: Pod,
  container: Container,
  { image, profiles }: { image: Image | undefined; profiles: string },
): Promise<ContainerSecurity> {
  const inPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const uid = own.runAsUser ?? inPod.runAsUser;
  const gid = own.runAsGroup ?? inPod.runAsGroup;
  if (own.runAsNonRoot ?? inPod.runAsNonRoot) refuseRoot(pod, container, uid, image?.user ?? "");
  const imageUser = image?.user.split(":")[0] || "0";
  const groups = [...(inPod.supplementalGroups ?? []), ...(inPod.fsGroup !== undefined ? [inPod.fsGroup] : [])];
  return {
    privileged: own.privileged ?? false,
    user:
      uid === undefined && gid === undefined ? undefined : `${uid ?? imageUser}${gid === undefined ? "" : `:${gid}`}`,
    groups: groups.map(String),
    readOnlyRootfs: own.readOnlyRootFilesystem ?? false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    noNewPrivileges: own.allowPrivilegeEscalation === false && !own.privileged,
    seccomp: own.privileged ? "unconfined" : await seccompOf(own.seccompProfile ?? inPod.seccompProfile, profiles),
    apparmor: apparmorOf(own.appArmorProfile ?? inPod.appArmorProfile),
    maskedPaths: own.procMount !== "Unmasked" && !own.privileged,
  };
}

function refuseRoot({ metadata }: Pod, { name }: Container, uid: number | undefined, imageUser: string): void {
  const where = `(pod: "${metadata.name}_${metadata.namespace}(${metadata.uid})", container: ${name})`;
  if (uid === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (uid !== undefined) return;
  const user = imageUser.split(":")[0] ?? "";
  if (user === "" || user === "0")
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (!/^\d+$/.test(user)) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`,
    );
  }
}

interface Profile {
  type: string;
  localhostProfile?: string;
}

async function seccompOf(profile: Profile | undefined, profiles: string): Promise<string> {
  if (profile?.type === "RuntimeDefault") return "runtime/default";
  if (profile?.type !== "Localhost") return "unconfined";
  const path = join(profiles, profile.localhostProfile ?? "");
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ContainerConfigError(`cannot load seccomp profile ${JSON.stringify(path)}`, { cause });
  }
}

function apparmorOf(profile: Profile | undefined): string | undefined {
  if (profile?.type === "Localhost") return profile.localhostProfile;
  return profile?.type === "Unconfined" ? "unconfined" : undefined;
}
