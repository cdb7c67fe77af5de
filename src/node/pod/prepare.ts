import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";
import { messageOf } from "../../base/log.ts";
import type { SandboxSpec } from "../runtime.ts";
import type { PayloadInputs } from "../volumes/payload.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import type { PodContext, PodNames } from "./context.ts";
import { hostnameOf, hostsFile, resolvFile, resolvOmissions } from "./name-files.ts";
import { podCgroup } from "./resources.ts";
import { runtimeHandlerOf } from "./runtime-class.ts";

/** What a pod has on the node's disk could not be made. */
export class PodDirectoryError extends Error {
  override readonly name = "PodDirectoryError";
}

/**
 * Makes ready what the containers of a pod are given from outside: volumes, /etc/hosts, /etc/resolv.conf. A pod that is to end does
 * not wait for it. @throws the signal's reason
 */
export async function makeReady(
  context: PodContext,
  pod: Pod,
  podIps: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, MountedVolume>> {
  const { volumes, objects, tokens, hostIps, allocatable } = context;
  const token: PayloadInputs["token"] = (of, projection) => tokens.token(of, projection);
  const mounted = await volumes.setUp({ pod, podIps, hostIps, objects, allocatable: allocatable(), token }, signal);
  await writeNameFiles(context, pod, podIps).catch((cause: unknown) => {
    throw new PodDirectoryError(`error making pod data directories: ${messageOf(cause)}`, { cause });
  });
  return mounted;
}

async function writeNameFiles(context: PodContext, pod: Pod, podIps: readonly string[]): Promise<void> {
  const { hostsPath, resolvPath } = namesOf(context, pod, podIps);
  await mkdir(context.volumes.podDirectory(pod.metadata.uid ?? ""), { recursive: true, mode: 0o750 });
  const names = hostnameOf(pod, { nodeName: context.nodeName, clusterDomain: context.dns.clusterDomain });
  await rewrite(hostsPath, hostsFile(pod, { ...names, podIps, hostFile: await hostText("/etc/hosts") }));
  await rewrite(resolvPath, resolvFile(pod, { dns: context.dns, hostFile: await hostText("/etc/resolv.conf") }));
}

/** What the pod asks of name resolution and cannot have. */
export const nameOmissions = async ({ dns }: PodContext, pod: Pod): Promise<readonly string[]> =>
  resolvOmissions(pod, { dns, hostFile: await hostText("/etc/resolv.conf") });

const hostText = async (path: string): Promise<string> => (await readFile(path, "utf8").catch(ifAbsent)) ?? "";

/** The file is bind-mounted into containers: it must stay the same file, so it is written in place, and only when it differs. */
async function rewrite(path: string, text: string): Promise<void> {
  const there = await readFile(path, "utf8").catch(ifAbsent);
  if (there !== text) await writeFile(path, text, { mode: 0o644 });
}

export function namesOf({ volumes, hostIps }: PodContext, pod: Pod, podIps: readonly string[]): PodNames {
  const directory = volumes.podDirectory(pod.metadata.uid ?? "");
  return { podIps, hostIps, hostsPath: join(directory, "etc-hosts"), resolvPath: join(directory, "resolv.conf") };
}

export async function sandboxSpecOf(context: PodContext, pod: Pod, attempt: number): Promise<SandboxSpec> {
  const { nodeName, dns } = context;
  const { spec, metadata } = pod;
  // Docker maps the users of all containers or of none: silently the pod would have less protection than it asks for.
  if (spec.hostUsers === false)
    throw new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces");
  return {
    podUid: metadata.uid ?? "",
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    attempt,
    hostname: hostnameOf(pod, { nodeName, clusterDomain: dns.clusterDomain }).hostname,
    hostNetwork: spec.hostNetwork ?? false,
    hostPid: spec.hostPID ?? false,
    hostIpc: spec.hostIPC ?? false,
    cgroupParent: podCgroup(pod),
    labels: {},
    runtimeHandler: await runtimeHandlerOf(context, pod),
    sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
  };
}
