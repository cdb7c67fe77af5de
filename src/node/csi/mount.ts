import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { attachmentName, volumeNameInStatus } from "../../api/csi-names.ts";
import { secret } from "../../api/kinds/core/secret.ts";
import { csiDriver } from "../../api/kinds/storage/csi-driver.ts";
import { volumeAttachment } from "../../api/kinds/storage/volume-attachment.ts";
import type { CSIDriver, CSIVolumeSource, PersistentVolume, Pod, SecretReference } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { ifAbsent } from "../../base/files.ts";
import type { Client } from "../../client/client.ts";
import { mountsBelow } from "../volumes/mounts.ts";
import { shareWithGroup } from "../volumes/ownership.ts";
import type { CsiDriver, VolumeUse } from "./driver.ts";

/** Volumes of CSI drivers in pods. */
export interface CsiVolumes {
  /** Resolves with where the volume lies. @throws an Error when that is not possible yet */
  setUp(pod: Pod, wanted: WantedVolume): Promise<string>;
  tearDown(podUid: string): Promise<void>;
  /** Names of volumes that are mounted here, as the node's status has them. */
  inUse(): readonly string[];
  podUids(): Promise<readonly string[]>;
}

/** A PersistentVolume, or a volume that is written in the pod itself. */
export type WantedVolume =
  | { readonly name: string; readonly volume: PersistentVolume; readonly readOnly: boolean }
  | { readonly name: string; readonly inline: CSIVolumeSource };

export interface CsiParts {
  readonly client: Client;
  readonly nodeName: string;
  /** kubelet's directory. */
  readonly directory: string;
  readonly driver: (name: string) => CsiDriver | undefined;
  /** Called when other volumes are in use. */
  readonly changed: () => void;
}

/** Beside each mount: what is needed to take it away, under the names that kubelet gives it. */
interface VolumeData {
  readonly driverName: string;
  readonly volumeHandle: string;
  readonly specVolID: string;
  readonly nodeName: string;
  readonly attachmentID?: string;
  readonly volumeLifecycleMode: "Persistent" | "Ephemeral";
}

const dataFile = "vol_data.json";

export async function openCsiVolumes(parts: CsiParts): Promise<CsiVolumes> {
  const { client, nodeName, directory, changed } = parts;
  const pods = join(directory, "pods");
  const folderOf = (podUid: string): string => join(pods, podUid, "volumes", "kubernetes.io~csi");
  /** By the directory of the mount. */
  const mounted = new Map<string, VolumeData>();
  for (const uid of await podUids()) for (const [at, data] of await volumesIn(folderOf(uid))) mounted.set(at, data);
  /** What is done to a volume is done one after the other: it is staged once for all pods. */
  const turns = new Map<string, Promise<unknown>>();

  async function podUids(): Promise<readonly string[]> {
    return (await readdir(pods).catch(ifAbsent)) ?? [];
  }

  function inTurn<T>(handle: string, work: () => Promise<T>): Promise<T> {
    const before = turns.get(handle) ?? Promise.resolve();
    const turn = before.then(work, work);
    turns.set(handle, turn);
    const forget = (): void => {
      if (turns.get(handle) === turn) turns.delete(handle);
    };
    turn.then(forget, forget);
    return turn;
  }

  async function setUp(pod: Pod, wanted: WantedVolume): Promise<string> {
    const at = join(folderOf(pod.metadata.uid ?? ""), wanted.name);
    const target = join(at, "mount");
    if (mounted.has(at) && (await mountsBelow(target)).includes(target)) return target;
    const name = "inline" in wanted ? wanted.inline.driver : (wanted.volume.spec.csi?.driver ?? "");
    const driver = parts.driver(name);
    if (!driver) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    const settings = await settingsOf(name);
    const handle = handleOf(pod, wanted);
    await inTurn(handle, async () => {
      const isAttached = !("inline" in wanted) && settings?.spec.attachRequired !== false;
      const attachmentID = attachmentName({ driver: name, handle }, nodeName);
      const data: VolumeData = {
        driverName: name,
        volumeHandle: handle,
        specVolID: wanted.name,
        nodeName,
        ...(isAttached && { attachmentID }),
        volumeLifecycleMode: "inline" in wanted ? "Ephemeral" : "Persistent",
      };
      // Written before anything is mounted: what is broken off is found and taken away.
      await mkdir(at, { recursive: true, mode: 0o750 });
      await writeFile(join(at, dataFile), JSON.stringify(data));
      mounted.set(at, data);
      changed();
      const publishContext = isAttached ? await attachedContext(attachmentID) : {};
      await mount(driver, { pod, wanted, handle, target, publishContext, settings });
    });
    return target;
  }

  async function mount(
    driver: CsiDriver,
    {
      pod,
      wanted,
      handle,
      target,
      publishContext,
      settings,
    }: {
      pod: Pod;
      wanted: WantedVolume;
      handle: string;
      target: string;
      publishContext: Record<string, string>;
      settings: CSIDriver | undefined;
    },
  ): Promise<void> {
    const traits = await driver.traits();
    const source = "inline" in wanted ? wanted.inline : wanted.volume.spec.csi;
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
    const modes = "inline" in wanted ? ["ReadWriteOnce"] : (wanted.volume.spec.accessModes ?? []);
    const use: VolumeUse = {
      ...(source?.fsType && { fsType: source.fsType }),
      flags: "inline" in wanted ? [] : [...(wanted.volume.spec.mountOptions ?? [])],
      accessMode: accessModeOf(modes),
      ...(traits.setsGroup && fsGroup !== undefined && { group: String(fsGroup) }),
    };
    const common = { volumeId: handle, use, publishContext };
    const volumeContext = { ...source?.volumeAttributes, ...(settings?.spec.podInfoOnMount && podInfo(pod, wanted)) };
    const stagingPath = stagingOf(source?.driver ?? "", handle);
    const isStaged = traits.stages && !("inline" in wanted);
    if (isStaged && !(await mountsBelow(stagingPath)).includes(stagingPath)) {
      await mkdir(stagingPath, { recursive: true, mode: 0o750 });
      const secrets = "inline" in wanted ? {} : await secretsOf(wanted.volume.spec.csi?.nodeStageSecretRef);
      const context = { ...source?.volumeAttributes };
      await driver.stage({ ...common, stagingPath, secrets, volumeContext: context });
    }
    const reference =
      "inline" in wanted
        ? { namespace: pod.metadata.namespace ?? "", ...wanted.inline.nodePublishSecretRef }
        : wanted.volume.spec.csi?.nodePublishSecretRef;
    const readOnly = "inline" in wanted ? (wanted.inline.readOnly ?? false) : wanted.readOnly;
    await driver.publish({
      ...common,
      ...(isStaged && { stagingPath }),
      targetPath: target,
      readOnly,
      secrets: await secretsOf(reference),
      volumeContext,
    });
    if (fsGroup !== undefined && !readOnly && !traits.setsGroup && mayShare(settings, { fsType: use.fsType, modes }))
      await shareWithGroup(target, { group: fsGroup, policy: fsGroupChangePolicy });
  }

  async function settingsOf(name: string): Promise<CSIDriver | undefined> {
    try {
      return await client.get(csiDriver, { name });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      return undefined;
    }
  }

  /** What the driver's other half told when it attached the volume. */
  async function attachedContext(name: string): Promise<Record<string, string>> {
    try {
      const { status } = await client.get(volumeAttachment, { name });
      if (status?.attached) return { ...status.attachmentMetadata };
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
    throw new Error("the volume is not attached to this node yet");
  }

  async function secretsOf(reference: SecretReference | undefined): Promise<Record<string, string>> {
    if (!reference?.name) return {};
    const { data } = await client.get(secret, { namespace: reference.namespace ?? "", name: reference.name });
    return Object.fromEntries(
      Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    );
  }

  const stagingOf = (driver: string, handle: string): string =>
    join(directory, "plugins", "kubernetes.io", "csi", driver, sha256(handle), "globalmount");

  async function takeAway(at: string, data: VolumeData): Promise<void> {
    const { driverName, volumeHandle: volumeId } = data;
    const driver = parts.driver(driverName);
    const targetPath = join(at, "mount");
    const stagingPath = stagingOf(driverName, volumeId);
    // What is written in a pod itself is never staged, and no other pod's.
    const isLast =
      data.volumeLifecycleMode === "Persistent" &&
      ![...mounted].some(([other, { volumeHandle }]) => other !== at && volumeHandle === volumeId);
    const mounts = new Set([...(await mountsBelow(targetPath)), ...(isLast ? await mountsBelow(stagingPath) : [])]);
    if (!driver) {
      // Without its driver nothing can be taken away that is there; what never came to be needs none.
      if (mounts.size > 0) throw new Error(`driver name ${driverName} not found in the list of registered CSI drivers`);
    } else {
      await driver.unpublish({ volumeId, targetPath });
      if (isLast && (await driver.traits()).stages) await driver.unstage({ volumeId, stagingPath });
    }
    if ((await mountsBelow(targetPath)).length > 0) throw new Error(`${targetPath} is still mounted`);
    await rmdir(targetPath).catch(ifAbsent);
    await rm(join(at, dataFile), { force: true });
    await rmdir(at).catch(ifAbsent);
    if (isLast) await rmdir(dirname(stagingPath)).catch(ifNotEmptyOrAbsent);
    mounted.delete(at);
    changed();
  }

  return {
    setUp,
    podUids,
    async tearDown(podUid) {
      const folder = folderOf(podUid);
      for (const [at, data] of mounted)
        if (dirname(at) === folder) await inTurn(data.volumeHandle, () => takeAway(at, data));
      for (const path of [folder, dirname(folder), join(pods, podUid)]) await rmdir(path).catch(ifNotEmptyOrAbsent);
    },
    inUse: () => [
      ...new Set(
        [...mounted.values()]
          .filter(({ attachmentID }) => attachmentID !== undefined)
          .map(({ driverName: driver, volumeHandle }) => volumeNameInStatus({ driver, volumeHandle })),
      ),
    ],
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The numbers of the interface. A driver that knows no finer ones is told of one writer. */
function accessModeOf(modes: readonly string[]): number {
  if (modes.includes("ReadWriteMany")) return 5;
  if (modes.includes("ReadOnlyMany")) return modes.includes("ReadWriteOnce") ? 4 : 3;
  return 1;
}

function handleOf(pod: Pod, wanted: WantedVolume): string {
  if ("inline" in wanted) return `csi-${sha256(`${pod.metadata.uid}${wanted.name}`)}`;
  return wanted.volume.spec.csi?.volumeHandle ?? "";
}

/** Kubernetes docs, "Pod information on mount". */
function podInfo({ metadata, spec }: Pod, wanted: WantedVolume): Record<string, string> {
  return {
    "csi.storage.k8s.io/pod.name": metadata.name,
    "csi.storage.k8s.io/pod.namespace": metadata.namespace ?? "",
    "csi.storage.k8s.io/pod.uid": metadata.uid ?? "",
    "csi.storage.k8s.io/serviceAccount.name": spec.serviceAccountName ?? "",
    "csi.storage.k8s.io/ephemeral": String("inline" in wanted),
  };
}

/** Whether the node sets the group of what is in a volume (Kubernetes docs, "CSI Driver fsGroup Support"). */
function mayShare(
  settings: CSIDriver | undefined,
  { fsType, modes }: { fsType: string | undefined; modes: readonly string[] },
): boolean {
  const policy = settings?.spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType";
  if (policy !== "ReadWriteOnceWithFSType") return policy === "File";
  return Boolean(fsType) && modes.some((mode) => mode === "ReadWriteOnce" || mode === "ReadWriteOncePod");
}

async function volumesIn(folder: string): Promise<[string, VolumeData][]> {
  const found: [string, VolumeData][] = [];
  for (const name of (await readdir(folder).catch(ifAbsent)) ?? []) {
    const text = await readFile(join(folder, name, dataFile), "utf8").catch(ifAbsent);
    if (text !== undefined) found.push([join(folder, name), JSON.parse(text) as VolumeData]);
  }
  return found;
}

function ifNotEmptyOrAbsent(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") ifAbsent(error);
}
