import { mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { attachmentName, volumeNameInStatus } from "../../api/csi-names.ts";
import { secret } from "../../api/kinds/core/secret.ts";
import { csiDriver } from "../../api/kinds/storage/csi-driver.ts";
import { volumeAttachment } from "../../api/kinds/storage/volume-attachment.ts";
import { unitsOf } from "../../api/quantity.ts";
import type {
  CSIDriver,
  CSIVolumeSource,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  SecretReference,
  ServiceAccountTokenProjection,
} from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import { ifAbsent } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { mountsBelow } from "../volumes/mounts.ts";
import { shareWithGroup } from "../volumes/ownership.ts";
import { VolumeError } from "../volumes/volume-error.ts";
import type { CsiDriver, Fill, VolumeUse } from "./driver.ts";
import { openFills } from "./fills.ts";
import { growVolume, isToGrow, named } from "./grow.ts";
import { folderOf, type Places, placesOf, sha256 } from "./places.ts";
import { openRepublishing } from "./republish.ts";
import { isBareDevice, podInfo, tokensText, useOf } from "./use.ts";
import { type Mounted, readMounted, removeVolumeData, type VolumeData, writeVolumeData } from "./volume-data.ts";

/** Volumes of CSI drivers in pods. */
export interface CsiVolumes {
  /**
   * Resolves with where the volume lies; drivers that want that are told of it again from then on. Called again it makes what has
   * become larger as large as it is. A call that a driver was given is not taken back when the signal is aborted; no further
   * one is made. @throws an Error when that is not possible yet
   */
  setUp(pod: Pod, wanted: WantedVolume, signal: AbortSignal): Promise<string>;
  tearDown(podUid: string): Promise<void>;
  /** How full a pod's volume is, as its driver says; undefined when it does not. */
  fill(podUid: string, name: string): Promise<Fill | undefined>;
  /** Names of volumes that are mounted here, as the node's status has them. */
  inUse(): readonly string[];
  podUids(): Promise<readonly string[]>;
}

/** A PersistentVolume behind a claim. */
interface ClaimedVolume {
  readonly name: string;
  readonly volume: PersistentVolume;
  /** Absent when it has gone since. */
  readonly claim: PersistentVolumeClaim | undefined;
  readonly readOnly: boolean;
}

/** A PersistentVolume, or a volume that is written in the pod itself. */
export type WantedVolume = ClaimedVolume | { readonly name: string; readonly inline: CSIVolumeSource };

export interface CsiParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly nodeName: string;
  /** kubelet's directory. */
  readonly directory: string;
  readonly driver: (name: string) => CsiDriver | undefined;
  /** A token of the pod's service account. */
  readonly token: (pod: Pod, projection: ServiceAccountTokenProjection) => Promise<string>;
  /** Called when other volumes are in use. */
  readonly changed: () => void;
}

/** All that a driver is told of a volume. */
interface Mounting {
  readonly pod: Pod;
  readonly wanted: WantedVolume;
  readonly handle: string;
  readonly places: Places;
  readonly publishContext: Record<string, string>;
  readonly settings: CSIDriver | undefined;
  readonly signal: AbortSignal;
  /** Not any more when it has been taken away meanwhile. */
  readonly onlyMounted?: boolean;
}

export async function openCsiVolumes(parts: CsiParts): Promise<CsiVolumes> {
  const { client, clock, log, nodeName, directory, changed } = parts;
  const pods = join(directory, "pods");
  /** By the directory that says what is mounted. */
  const mounted = new Map<string, Mounted>();
  const republishing = openRepublishing(clock);
  /** By the same: the pod and the volume as they were last set up. */
  const newest = new Map<string, Pick<Mounting, "pod" | "wanted">>();
  const fills = openFills(clock);
  for (const podUid of await podUids())
    for (const each of await readMounted({ directory, podUid, log })) mounted.set(each.places.at, each);
  /** By the uid of volumes that have grown while this process runs. */
  const grownTo = new Map<string, string>();
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

  async function setUp(pod: Pod, wanted: WantedVolume, signal: AbortSignal): Promise<string> {
    const name = driverOf(wanted);
    const handle = handleOf(pod, wanted);
    const podUid = pod.metadata.uid ?? "";
    const places = placesOf(directory, {
      podUid,
      name: wanted.name,
      driver: name,
      handle,
      isBlock: isBareDevice(wanted),
    });
    const { at, target } = places;
    const isThere = mounted.has(at) && (await isMade(places, wanted));
    newest.set(at, { pod, wanted });
    if (!isThere) {
      const settings = await settingsOf(name);
      await publish({ pod, wanted, handle, places, settings, signal });
      republish(handle, places, settings?.spec.requiresRepublish ? "later" : "never");
    }
    if (isThere && !republishing.has(at)) republish(handle, places, "now");
    if ("volume" in wanted && wanted.claim && !wanted.readOnly && isToGrow(wanted.claim, wanted.volume))
      await inTurn(handle, () => grow(pod, wanted, places));
    return target;
  }

  function republish(handle: string, places: Places, first: "now" | "later" | "never"): void {
    const { at } = places;
    const { signal } = new AbortController();
    republishing.follow(at, {
      first,
      async once() {
        const use = newest.get(at);
        if (!use) return false;
        const settings = await settingsOf(driverOf(use.wanted));
        const again = settings?.spec.requiresRepublish ?? false;
        if (again) await publish({ ...use, handle, places, settings, signal, onlyMounted: true });
        return again;
      },
      failed(error) {
        const use = newest.get(at);
        if (!use) return;
        const { reason, message } = new VolumeError(use.wanted.name, {
          isDevice: isBareDevice(use.wanted),
          cause: error,
        });
        parts.events.record({ apiVersion: "v1", kind: "Pod", ...named(use.pod) }, "Warning", reason, message);
      },
    });
  }

  async function isMade({ target }: Places, wanted: WantedVolume): Promise<boolean> {
    if (isBareDevice(wanted)) return (await stat(target).catch(ifAbsent))?.isBlockDevice() ?? false;
    return (await mountsBelow(target)).includes(target);
  }

  async function publish(mounting: Omit<Mounting, "publishContext">): Promise<void> {
    const { pod, wanted, handle, places, settings, signal, onlyMounted = false } = mounting;
    const name = driverOf(wanted);
    const driver = parts.driver(name);
    if (!driver) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    await inTurn(handle, async () => {
      signal.throwIfAborted();
      if (onlyMounted && !mounted.has(places.at)) return;
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
      await mkdir(places.at, { recursive: true, mode: 0o750 });
      if (!isDeepStrictEqual(mounted.get(places.at)?.data, data)) await writeVolumeData(places.at, data);
      mounted.set(places.at, { data, podUid: pod.metadata.uid ?? "", isBlock: isBareDevice(wanted), places });
      changed();
      const publishContext = isAttached ? await attachedContext(attachmentID) : {};
      await mount(driver, { ...mounting, publishContext });
    });
  }

  async function mount(
    driver: CsiDriver,
    { pod, wanted, handle, places, publishContext, settings, signal }: Mounting,
  ): Promise<void> {
    const traits = await driver.traits();
    signal.throwIfAborted();
    const source = "inline" in wanted ? wanted.inline : wanted.volume.spec.csi;
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
    const use = useOf(pod, wanted, traits);
    const common = { volumeId: handle, use, publishContext };
    const isStaged = traits.stages && !("inline" in wanted);
    // Of a device that was staged nothing can be seen from here; drivers take being told twice.
    if (isStaged && (use.isBlock || !(await mountsBelow(places.staging)).includes(places.staging))) {
      await mkdir(places.staging, { recursive: true, mode: 0o750 });
      const secrets = await secretsOf(wanted.volume.spec.csi?.nodeStageSecretRef);
      const volumeContext = { ...source?.volumeAttributes };
      await driver.stage({ ...common, stagingPath: places.staging, secrets, volumeContext });
    }
    signal.throwIfAborted();
    await mkdir(dirname(places.target), { recursive: true, mode: 0o750 });
    const reference =
      "inline" in wanted
        ? { namespace: pod.metadata.namespace ?? "", ...wanted.inline.nodePublishSecretRef }
        : wanted.volume.spec.csi?.nodePublishSecretRef;
    const readOnly = "inline" in wanted ? (wanted.inline.readOnly ?? false) : wanted.readOnly;
    const tokens = await tokensFor(pod, settings);
    const inSecrets = settings?.spec.serviceAccountTokenInSecrets ?? false;
    await driver.publish({
      ...common,
      ...(isStaged && { stagingPath: places.staging }),
      targetPath: places.target,
      readOnly,
      secrets: { ...(await secretsOf(reference)), ...(inSecrets && tokens) },
      volumeContext: {
        ...source?.volumeAttributes,
        ...(settings?.spec.podInfoOnMount && podInfo(pod, { isInline: "inline" in wanted })),
        ...(!inSecrets && tokens),
      },
    });
    if (fsGroup !== undefined && !readOnly && !use.isBlock && !traits.setsGroup && mayShare(settings, wanted, use))
      await shareWithGroup(places.target, { group: fsGroup, policy: fsGroupChangePolicy });
  }

  /** Kubernetes docs, "Service Account Tokens" of CSI drivers: in whose name a volume is asked for. */
  async function tokensFor(pod: Pod, settings: CSIDriver | undefined): Promise<Record<string, string>> {
    const requests = settings?.spec.tokenRequests ?? [];
    if (requests.length === 0) return {};
    const tokens = await Promise.all(
      requests.map(async ({ audience, expirationSeconds }) => {
        const projection = { path: "", audience, ...(expirationSeconds !== undefined && { expirationSeconds }) };
        return { audience, token: await parts.token(pod, projection) };
      }),
    );
    return { "csi.storage.k8s.io/serviceAccount.tokens": tokensText(tokens) };
  }

  async function grow(pod: Pod, wanted: ClaimedVolume, { target, staging }: Places): Promise<void> {
    const { volume, claim, name } = wanted;
    const driver = parts.driver(driverOf(wanted));
    const traits = await driver?.traits();
    if (!driver || !traits?.expands || !claim) return;
    const capacity = volume.spec.capacity?.storage ?? "0";
    // Of several pods that see it, one has it done; what the others know of the claim is old by then.
    if (grownTo.get(volume.metadata.uid ?? "") === capacity) return;
    const ask = async () =>
      driver.expand({
        volumeId: volume.spec.csi?.volumeHandle ?? "",
        volumePath: target,
        ...(traits.stages && { stagingPath: staging }),
        requiredBytes: unitsOf(capacity),
        use: useOf(pod, wanted, traits),
        secrets: await secretsOf(volume.spec.csi?.nodeExpandSecretRef),
      });
    await growVolume(parts, { pod, claim, name, capacity, ask });
    grownTo.set(volume.metadata.uid ?? "", capacity);
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

  async function takeAway({ data, places, isBlock }: Mounted): Promise<void> {
    const { driverName, volumeHandle: volumeId } = data;
    const driver = parts.driver(driverName);
    const { at, target: targetPath, staging: stagingPath } = places;
    // What is written in a pod itself is never staged, and no other pod's.
    const isLast =
      data.volumeLifecycleMode === "Persistent" &&
      ![...mounted].some(([other, each]) => other !== at && each.data.volumeHandle === volumeId);
    const mounts = new Set([...(await mountsBelow(targetPath)), ...(isLast ? await mountsBelow(stagingPath) : [])]);
    if (!driver) {
      // Without its driver nothing can be taken away that is there; what never came to be needs none.
      if (mounts.size > 0) throw new Error(`driver name ${driverName} not found in the list of registered CSI drivers`);
    } else {
      await driver.unpublish({ volumeId, targetPath });
      if (isLast && (await driver.traits()).stages) await driver.unstage({ volumeId, stagingPath });
    }
    if ((await mountsBelow(targetPath)).length > 0) throw new Error(`${targetPath} is still mounted`);
    // A device's file may be left; of a directory, which may hold what nobody knows, only an empty one goes.
    if ((await stat(targetPath).catch(ifAbsent))?.isDirectory()) await rmdir(targetPath);
    else await rm(targetPath, { force: true });
    if (isBlock) await rmdir(dirname(targetPath)).catch(ifNotEmptyOrAbsent);
    await removeVolumeData(at);
    await rmdir(at).catch(ifAbsent);
    if (isLast) for (const path of [stagingPath, dirname(stagingPath)]) await rmdir(path).catch(ifNotEmptyOrAbsent);
    mounted.delete(at);
    newest.delete(at);
    fills.forget(at);
    changed();
  }

  return {
    setUp,
    podUids,
    async tearDown(podUid) {
      const own = [...mounted.values()].filter((each) => each.podUid === podUid);
      for (const { places } of own) republishing.forget(places.at);
      // One whose driver hangs keeps no other mounted.
      const taken = own.map((each) => inTurn(each.data.volumeHandle, () => takeAway(each)));
      const failed = (await Promise.allSettled(taken)).find(({ status }) => status === "rejected");
      if (failed?.status === "rejected") throw failed.reason;
      const folders = [false, true].map((isBlock) => folderOf(directory, { podUid, isBlock }));
      for (const path of [...folders.flatMap((folder) => [folder, dirname(folder)]), join(pods, podUid)])
        await rmdir(path).catch(ifNotEmptyOrAbsent);
    },
    async fill(podUid, name) {
      const found = [...mounted.values()].find((each) => each.podUid === podUid && each.data.specVolID === name);
      const driver = found && parts.driver(found.data.driverName);
      if (!found || !driver) return undefined;
      const { at, target: volumePath, staging } = found.places;
      return fills.of(at, async () => {
        const traits = await driver.traits();
        if (!traits.measures) return undefined;
        const isStaged = traits.stages && found.data.volumeLifecycleMode === "Persistent";
        const stagingPath = isStaged ? { stagingPath: staging } : {};
        return driver.fill({ volumeId: found.data.volumeHandle, volumePath, ...stagingPath });
      });
    },
    inUse: () => [
      ...new Set(
        [...mounted.values()]
          .filter(({ data }) => data.attachmentID !== undefined)
          .map(({ data: { driverName: driver, volumeHandle } }) => volumeNameInStatus({ driver, volumeHandle })),
      ),
    ],
  };
}

const driverOf = (wanted: WantedVolume): string =>
  "inline" in wanted ? wanted.inline.driver : (wanted.volume.spec.csi?.driver ?? "");

function handleOf(pod: Pod, wanted: WantedVolume): string {
  if ("inline" in wanted) return `csi-${sha256(`${pod.metadata.uid}${wanted.name}`)}`;
  return wanted.volume.spec.csi?.volumeHandle ?? "";
}

/** Whether the node sets the group of what is in a volume (Kubernetes docs, "CSI Driver fsGroup Support"). */
function mayShare(settings: CSIDriver | undefined, wanted: WantedVolume, { fsType }: VolumeUse): boolean {
  const policy = settings?.spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType";
  if (policy !== "ReadWriteOnceWithFSType") return policy === "File";
  const modes = "inline" in wanted ? ["ReadWriteOnce"] : (wanted.volume.spec.accessModes ?? []);
  return Boolean(fsType) && modes.some((mode) => mode === "ReadWriteOnce" || mode === "ReadWriteOncePod");
}

function ifNotEmptyOrAbsent(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") ifAbsent(error);
}
