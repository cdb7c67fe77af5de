import { chmod, chown, mkdir, readdir, realpath, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { unitsOf } from "../../api/quantity.ts";
import type { EmptyDirVolumeSource, Pod, Volume } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";
import type { Client } from "../../client/client.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { prepareHostPath } from "./host-path.ts";
import { mountsBelow, mountTmpfs, sizeOnDisk, unmount } from "./mounts.ts";
import { isProjected, type PayloadInputs, payloadOf } from "./payload.ts";

/** A volume of a pod as it lies on this machine. */
export interface MountedVolume {
  readonly hostPath: string;
  readonly readOnly: boolean;
}

/** A volume that could not be made ready; the message is that of the Event FailedMount. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
  constructor(volume: string, cause: Error) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${cause.message}`, { cause });
  }
}

/** The directories of pods: what containers are given to mount. */
export interface Volumes {
  /** Makes every volume of the pod ready. May be called again: what changed in the API is brought up to date. */
  setUp(inputs: PayloadInputs): Promise<ReadonlyMap<string, MountedVolume>>;
  /** Takes away all that `setUp` made; what lies in persistent volumes and host paths stays. */
  tearDown(podUid: string): Promise<void>;
  /** A path inside a volume; made where it is absent. Refuses to leave the volume. */
  subPath(volume: MountedVolume, path: string): Promise<string>;
  /** What lies in a pod's emptyDirs on disk, by volume. */
  emptyDirBytes(podUid: string): Promise<ReadonlyMap<string, number>>;
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
}: {
  directory: string;
  memoryDirectory: string;
  client: Client;
}): Volumes {
  /** By pod, by claim. */
  const claimed = new Map<string, Map<string, string>>();
  const pathOf = (root: string, podUid: string, sort: string, name: string) =>
    join(root, podUid, "volumes", `kubernetes.io~${sort}`, name);

  async function setUpOne(inputs: PayloadInputs, volume: Volume): Promise<MountedVolume> {
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
      await setUpEmptyDir(hostPath, volume.emptyDir, fsGroup);
      return { hostPath, readOnly: false };
    }
    // Filled from its image when a container is to mount it.
    if (volume.image) return { hostPath: pathOf(directory, uid, "image", volume.name), readOnly: true };
    if (volume.hostPath) return { hostPath: await prepareHostPath(volume.hostPath), readOnly: false };
    if (volume.persistentVolumeClaim) {
      const { claimName, readOnly = false } = volume.persistentVolumeClaim;
      return { hostPath: await claimedPath(pod, claimName, fsGroup), readOnly };
    }
    if (volume.ephemeral)
      return { hostPath: await claimedPath(pod, `${pod.metadata.name}-${volume.name}`, fsGroup), readOnly: false };
    throw new Error("no volume plugin matched");
  }

  /** A claim that is bound stays so; it is looked up once, so that pods go on while the server cannot be reached. */
  async function claimedPath(pod: Pod, claimName: string, fsGroup: number | undefined): Promise<string> {
    const ofPod = claimed.get(pod.metadata.uid ?? "") ?? new Map<string, string>();
    claimed.set(pod.metadata.uid ?? "", ofPod);
    const path = ofPod.get(claimName) ?? (await lookUpClaim(pod, claimName, fsGroup));
    ofPod.set(claimName, path);
    return path;
  }

  async function lookUpClaim(pod: Pod, claimName: string, fsGroup: number | undefined): Promise<string> {
    const claim = await client.get(persistentVolumeClaim, { namespace: pod.metadata.namespace ?? "", name: claimName });
    const name = claim.spec.volumeName;
    if (!name || claim.status?.phase !== "Bound")
      throw new Error(`PVC ${pod.metadata.namespace}/${claimName} is not bound`);
    const { spec } = await client.get(persistentVolume, { name });
    if (spec.hostPath) return prepareHostPath(spec.hostPath);
    if (!spec.local) throw new Error(`volume "${name}" is neither local nor a hostPath`);
    const { path } = spec.local;
    if (!(await stat(path).catch(ifAbsent))) throw new Error(`path "${path}" does not exist`);
    if (fsGroup !== undefined) await shareWithGroup(path, fsGroup);
    return path;
  }

  return {
    async setUp(inputs) {
      const mounted = new Map<string, MountedVolume>();
      for (const volume of inputs.pod.spec.volumes ?? []) {
        try {
          mounted.set(volume.name, await setUpOne(inputs, volume));
        } catch (error) {
          throw new VolumeError(volume.name, error as Error);
        }
      }
      return mounted;
    },

    async tearDown(podUid) {
      claimed.delete(podUid);
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
        await mkdir(wanted, { recursive: true });
      }
      const [root, real] = await Promise.all([realpath(hostPath), realpath(wanted)]);
      const way = relative(root, real);
      // The files of ConfigMaps and Secrets lie in a directory of the volume whose own name begins with two dots.
      if (way === ".." || way.startsWith("../")) throw new Error(`subPath "${path}" not within volume path`);
      return real;
    },

    async emptyDirBytes(podUid) {
      const root = join(directory, podUid, "volumes", "kubernetes.io~empty-dir");
      const names = (await readdir(root).catch(ifAbsent)) ?? [];
      return new Map(await Promise.all(names.map(async (name) => [name, await sizeOnDisk(join(root, name))] as const)));
    },

    async podUids() {
      const lists = await Promise.all(
        [directory, memoryDirectory].map(async (root) => (await readdir(root).catch(ifAbsent)) ?? []),
      );
      return [...new Set(lists.flat())];
    },
    podDirectory: (podUid) => join(directory, podUid),
  };
}

async function setUpEmptyDir(
  path: string,
  { medium, sizeLimit }: EmptyDirVolumeSource,
  fsGroup: number | undefined,
): Promise<void> {
  const there = await stat(path).catch(ifAbsent);
  await mkdir(path, { recursive: true });
  if (medium === "Memory" && !(await mountsBelow(path)).includes(path)) {
    await mountTmpfs(path, { sizeBytes: sizeLimit ? unitsOf(sizeLimit) : undefined });
  }
  if (there) return;
  await chmod(path, 0o777);
  if (fsGroup !== undefined) await shareWithGroup(path, fsGroup);
}

async function shareWithGroup(path: string, group: number): Promise<void> {
  const { mode, gid } = await stat(path);
  if (gid === group && (mode & 0o2070) === 0o2070) return;
  await chown(path, -1, group);
  await chmod(path, (mode & 0o7777) | 0o2770);
}
