import { chmod, mkdir, readdir, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { claimOfVolume } from "../../api/pod-claims.ts";
import { unitsOf } from "../../api/quantity.ts";
import type { EmptyDirVolumeSource, Pod, Volume } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import type { Client } from "../../client/client.ts";
import type { Recollection } from "../../client/recollection.ts";
import type { CsiVolumes } from "../csi/mount.ts";
import { containersOf } from "../pod/containers.ts";
import { cgroupLimitsOf } from "../pod/resources.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { isBelow } from "./below.ts";
import { type ClaimedVolume, openClaims } from "./claims.ts";
import { prepareHostPath } from "./host-path.ts";
import { hugePageBytes } from "./huge-pages.ts";
import { mountHugePages, mountNfs, mountsBelow, mountTmpfs, type NfsShare, sizeOnDisk, unmount } from "./mounts.ts";
import { shareWithGroup } from "./ownership.ts";
import { isProjected, type PayloadInputs, payloadOf } from "./payload.ts";
import type { WatchedObjects } from "./referenced-objects.ts";
import { unsupported } from "./unsupported.ts";
import { filledDirectory, filledFileSystem, type VolumeUsage } from "./usage.ts";
import { VolumeError } from "./volume-error.ts";

/** A volume of a pod as it lies on this machine. */
export interface MountedVolume {
  readonly hostPath: string;
  readonly readOnly: boolean;
  /** A bare device, to be used by its file. */
  readonly isDevice?: boolean;
}

/** The directories of pods: what containers are given to mount. */
export interface Volumes {
  /**
   * Makes every volume of the pod ready. May be called again: what changed in the API is brought up to date. @throws the
   * signal's reason at once when it is aborted; the step that is being taken, which may hang in a driver, goes on by itself
   */
  setUp(inputs: PayloadInputs, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>>;
  /** Takes away all that `setUp` made, when its last step is over; what lies in persistent volumes and host paths stays. */
  tearDown(podUid: string): Promise<void>;
  /** A path inside a volume; made where it is absent. Refuses to leave the volume. */
  subPath(volume: MountedVolume, path: string): Promise<string>;
  /** What lies in a pod's emptyDirs on disk, by volume. */
  emptyDirBytes(podUid: string): Promise<ReadonlyMap<string, number>>;
  /** How full the pod's volumes are, as far as that can be said; those without a claim have to be measured. */
  usage(pod: Pod, which?: { readonly onlyClaimed: boolean }): Promise<readonly VolumeUsage[]>;
  /** The pods that have directories. */
  podUids(): Promise<readonly string[]>;
  /** The pod's own directory, for small files such as /etc/hosts. */
  podDirectory(podUid: string): string;
}

/**
 * `directory` is on disk and holds what pods write; `memoryDirectory` is in memory and holds what comes from the API:
 * secrets do not touch the disk, and updates do not wear it out.
 */
export function openVolumes({
  directory,
  memoryDirectory,
  client,
  recollection,
  objects,
  csi,
}: {
  directory: string;
  memoryDirectory: string;
  client: Client;
  recollection: Recollection;
  objects: Pick<WatchedObjects, "claim">;
  csi: CsiVolumes;
}): Volumes {
  const claims = openClaims({ client, recollection, objects });
  const pathOf = (root: string, podUid: string, sort: string, name: string) =>
    join(root, podUid, "volumes", `kubernetes.io~${sort}`, name);

  /** By the pod's uid: what is being made of its volumes. */
  const settingUp = new Map<string, Promise<unknown>>();

  async function setUpAll(inputs: PayloadInputs, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>> {
    const mounted = new Map<string, MountedVolume>();
    for (const volume of inputs.pod.spec.volumes ?? []) {
      signal.throwIfAborted();
      try {
        mounted.set(volume.name, await setUpOne(inputs, volume, signal));
      } catch (error) {
        if (error instanceof VolumeError) throw error;
        const isDevice = containersOf(inputs.pod).some(({ spec }) =>
          (spec.volumeDevices ?? []).some(({ name }) => name === volume.name),
        );
        throw new VolumeError(volume.name, { isDevice, cause: error as Error });
      }
    }
    return mounted;
  }

  async function setUpOne(inputs: PayloadInputs, volume: Volume, signal: AbortSignal): Promise<MountedVolume> {
    const { pod } = inputs;
    const uid = pod.metadata.uid ?? "";
    const fsGroup = pod.spec.securityContext?.fsGroup;
    if (isProjected(volume)) {
      const sort = volume.configMap
        ? "configmap"
        : volume.secret
          ? "secret"
          : volume.projected
            ? "projected"
            : "downward-api";
      const hostPath = pathOf(memoryDirectory, uid, sort, volume.name);
      await mkdir(hostPath, { recursive: true, mode: 0o755 });
      await writeAtomically(hostPath, await payloadOf(inputs, volume), { fsGroup });
      return { hostPath, readOnly: true };
    }
    if (volume.emptyDir) {
      const hostPath = pathOf(directory, uid, "empty-dir", volume.name);
      await setUpEmptyDir(hostPath, volume.emptyDir, inputs);
      return { hostPath, readOnly: false };
    }
    // Filled from its image when a container is to mount it.
    if (volume.image) return { hostPath: pathOf(directory, uid, "image", volume.name), readOnly: true };
    if (volume.hostPath) return { hostPath: await prepareHostPath(volume.hostPath), readOnly: false };
    const claimName = claimOfVolume(pod, volume)?.name;
    if (claimName) {
      const { readOnly = false } = volume.persistentVolumeClaim ?? {};
      const mounted = await setUpClaimed(inputs, claimName, { readOnly, signal });
      return { ...mounted, readOnly: readOnly || mounted.readOnly };
    }
    if (volume.nfs) return setUpNfs(pod, { ...volume.nfs, name: volume.name, options: [] });
    if (volume.csi) {
      const hostPath = await csi.setUp(pod, { name: volume.name, inline: volume.csi }, signal);
      return { hostPath, readOnly: volume.csi.readOnly ?? false };
    }
    throw new Error(unsupported(volume));
  }

  async function setUpClaimed(
    { pod }: PayloadInputs,
    claimName: string,
    { readOnly, signal }: { readOnly: boolean; signal: AbortSignal },
  ): Promise<MountedVolume> {
    const claimed = await claims.volumeOf(pod, claimName);
    const { metadata, spec } = claimed.volume;
    try {
      return await setUpVolume(pod, claimed, { readOnly, signal });
    } catch (error) {
      // In Events a PersistentVolume has its own name, not the one that the pod has for it.
      throw new VolumeError(metadata.name, { isDevice: spec.volumeMode === "Block", cause: error as Error });
    }
  }

  async function setUpVolume(
    pod: Pod,
    { volume, claim }: ClaimedVolume,
    { readOnly, signal }: { readOnly: boolean; signal: AbortSignal },
  ): Promise<MountedVolume> {
    const { metadata, spec } = volume;
    const sharing = sharingOf(pod);
    if (spec.hostPath) return { hostPath: await prepareHostPath(spec.hostPath), readOnly: false };
    if (spec.local) {
      const { path } = spec.local;
      if (!(await stat(path).catch(ifAbsent))) throw new Error(`path "${path}" does not exist`);
      if (spec.volumeMode === "Block") return { hostPath: path, readOnly: false, isDevice: true };
      // Once a pod: what it made itself since then is its own affair, also after a restart of the node.
      const mark = pathOf(directory, pod.metadata.uid ?? "", "local-volume", metadata.name);
      if (sharing && !(await stat(mark).catch(ifAbsent))) await shareWithGroup(path, sharing);
      await mkdir(mark, { recursive: true, mode: 0o750 });
      return { hostPath: path, readOnly: false };
    }
    if (spec.nfs) return setUpNfs(pod, { ...spec.nfs, name: metadata.name, options: spec.mountOptions ?? [] });
    if (spec.csi) {
      const wanted = { name: metadata.name, volume, claim, readOnly: readOnly || (spec.csi.readOnly ?? false) };
      const isDevice = spec.volumeMode === "Block";
      return { hostPath: await csi.setUp(pod, wanted, signal), readOnly: wanted.readOnly, isDevice };
    }
    throw new Error(unsupported(spec));
  }

  async function setUpNfs(pod: Pod, share: NfsShare): Promise<MountedVolume> {
    const hostPath = pathOf(directory, pod.metadata.uid ?? "", "nfs", share.name);
    await mkdir(hostPath, { recursive: true, mode: 0o750 });
    if (!(await mountsBelow(hostPath)).includes(hostPath)) await mountNfs(hostPath, share);
    return { hostPath, readOnly: share.readOnly ?? false };
  }

  return {
    setUp(inputs, signal) {
      const podUid = inputs.pod.metadata.uid ?? "";
      const work = setUpAll(inputs, signal);
      settingUp.set(podUid, work);
      return unlessAborted(work, signal);
    },

    async tearDown(podUid) {
      await Promise.allSettled([settingUp.get(podUid)]);
      settingUp.delete(podUid);
      claims.forget(podUid);
      await csi.tearDown(podUid);
      for (const root of [directory, memoryDirectory]) {
        const own = join(root, podUid);
        for (const mount of await mountsBelow(own)) await unmount(mount);
        await rm(own, { recursive: true, force: true });
      }
    },

    async subPath({ hostPath, readOnly }, path) {
      const wanted = join(hostPath, path);
      if (!(await stat(wanted).catch(ifAbsent))) {
        if (readOnly && path.includes("..")) throw new Error(`subPath "${path}" must not contain ".."`);
        await makeLike(hostPath, wanted);
      }
      const [root, real] = await Promise.all([realpath(hostPath), realpath(wanted)]);
      if (!isBelow(root, real)) throw new Error(`subPath "${path}" not within volume path`);
      return real;
    },

    async emptyDirBytes(podUid) {
      const root = join(directory, podUid, "volumes", "kubernetes.io~empty-dir");
      const names = (await readdir(root).catch(ifAbsent)) ?? [];
      return new Map(await Promise.all(names.map(async (name) => [name, await sizeOnDisk(join(root, name))] as const)));
    },

    async usage(pod, { onlyClaimed } = { onlyClaimed: false }) {
      const uid = pod.metadata.uid ?? "";
      const found = await Promise.all(
        (pod.spec.volumes ?? []).map(async (volume): Promise<VolumeUsage | undefined> => {
          const claimName = claimOfVolume(pod, volume)?.name;
          if (onlyClaimed && !claimName) return undefined;
          const claimed = claimName ? await claims.volumeOf(pod, claimName) : undefined;
          const { spec } = claimed?.volume ?? {};
          const fill =
            (volume.csi ?? spec?.csi)
              ? await csi.fill(uid, claimed?.volume.metadata.name ?? volume.name)
              : volume.emptyDir
                ? await filledDirectory(pathOf(directory, uid, "empty-dir", volume.name))
                : spec?.local && spec.volumeMode !== "Block"
                  ? await filledFileSystem(spec.local.path)
                  : undefined;
          return fill && { name: volume.name, claimName, ...fill };
        }),
      );
      return found.filter((each) => each !== undefined);
    },

    async podUids() {
      const lists = await Promise.all(
        [directory, memoryDirectory].map(async (root) => (await readdir(root).catch(ifAbsent)) ?? []),
      );
      return [...new Set([...lists.flat(), ...(await csi.podUids())])];
    },
    podDirectory: (podUid) => join(directory, podUid),
  };
}

async function setUpEmptyDir(
  path: string,
  { medium = "", sizeLimit }: EmptyDirVolumeSource,
  { pod, allocatable }: PayloadInputs,
): Promise<void> {
  const pageBytes = medium.startsWith("HugePages") ? hugePageBytes(pod, medium) : undefined;
  if (medium !== "" && medium !== "Memory" && pageBytes === undefined)
    throw new Error(`unknown storage medium ${JSON.stringify(medium)}`);
  const there = await stat(path).catch(ifAbsent);
  await mkdir(path, { recursive: true });
  if (medium === "Memory" && !(await mountsBelow(path)).includes(path)) {
    await mountTmpfs(path, { sizeBytes: memoryFor(pod, { sizeLimit, allocatable }) });
  }
  if (pageBytes !== undefined && !(await mountsBelow(path)).includes(path)) await mountHugePages(path, { pageBytes });
  if (there) return;
  if (medium !== "Memory") await chmod(path, 0o777);
  const sharing = sharingOf(pod);
  if (sharing) await shareWithGroup(path, sharing);
}

/** Makes a directory in a volume, which may be used as the volume itself may be. */
async function makeLike(volume: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, (await stat(volume)).mode & 0o7777);
}

/** The least of what the volume, the pod's limit and the node allow (Kubernetes docs, "Volumes", section "emptyDir"). */
function memoryFor(
  pod: Pod,
  { sizeLimit, allocatable }: { sizeLimit: string | undefined; allocatable: PayloadInputs["allocatable"] },
): number | undefined {
  const { memoryLimitBytes } = cgroupLimitsOf(pod);
  const bounds = [
    allocatable.memory === undefined ? undefined : unitsOf(allocatable.memory),
    memoryLimitBytes,
    sizeLimit === undefined ? undefined : unitsOf(sizeLimit),
  ].filter((bound) => bound !== undefined && bound > 0);
  return bounds.length > 0 ? Math.min(...(bounds as number[])) : undefined;
}

/** The group that a pod's volumes belong to. */
function sharingOf({ spec }: Pod): { group: number; policy: string | undefined } | undefined {
  const { fsGroup: group, fsGroupChangePolicy: policy } = spec.securityContext ?? {};
  return group === undefined ? undefined : { group, policy };
}
