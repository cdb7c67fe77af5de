import { persistentVolume } from "../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../api/kinds/core/persistent-volume-claim.ts";
import { keyOf } from "../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../api/schema/types.ts";
import { boundByController, selectedNode } from "../api/volume-annotations.ts";
import { isFullyBound } from "../api/volume-match.ts";
import type { Clock } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import type { VolumeChoice } from "./plugins/choose-volumes.ts";

/** kube-scheduler's figure: how long a pod's claims may take to be bound before another node is looked for. */
const bindTimeoutMs = 600_000;

export interface BindVolumesOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
}

/** Tells volumes whose they are and claims where they are needed, and waits until the claims are bound. */
export async function bindVolumes(
  { bind, provision }: VolumeChoice,
  nodeName: string,
  { client, informers, clock, signal }: BindVolumesOptions & { signal: AbortSignal },
): Promise<void> {
  for (const { claim, volume } of bind) await setAside(volume, claim, client);
  for (const claim of provision) {
    if (claim.metadata.annotations?.[selectedNode] === nodeName) continue;
    const document = { metadata: { annotations: { [selectedNode]: nodeName } } };
    await client.patch(persistentVolumeClaim, keyOf(claim), { type: "merge", document });
  }
  const claims = informers.of(persistentVolumeClaim);
  const wasTold = new Set(provision.map(({ metadata }) => metadata.uid));
  const isSettled = (now: PersistentVolumeClaim | undefined): boolean => !now || isFullyBound(now) || gaveUp(now);
  const gaveUp = ({ metadata }: PersistentVolumeClaim): boolean =>
    wasTold.has(metadata.uid) && metadata.annotations?.[selectedNode] === undefined;

  // A provisioner that cannot serve the node takes the annotation away: another node is looked for.
  const told = provision.map((claim) =>
    claims.until(keyOf(claim), (now) => !now || now.metadata.annotations?.[selectedNode] === nodeName),
  );
  const settled = Promise.all(told).then(() =>
    Promise.all(
      [...bind.map(({ claim }) => claim), ...provision].map((claim) => claims.until(keyOf(claim), isSettled)),
    ),
  );
  await withinTime(settled, clock, signal);
  for (const claim of [...bind.map((each) => each.claim), ...provision]) {
    const now = claims.get(keyOf(claim));
    if (!now) throw new Error(`persistentvolumeclaim ${JSON.stringify(claim.metadata.name)} not found`);
    if (!isFullyBound(now)) throw new Error("provisioning failed; another node is looked for");
  }
}

async function setAside(volume: PersistentVolume, claim: PersistentVolumeClaim, client: Client): Promise<void> {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  if (volume.spec?.claimRef?.uid === uid) return;
  const claimRef = { kind: "PersistentVolumeClaim", namespace, name, uid, apiVersion: "v1", resourceVersion };
  const annotations = volume.spec?.claimRef ? {} : { [boundByController]: "yes" };
  const document = {
    metadata: { annotations, resourceVersion: volume.metadata.resourceVersion },
    spec: { claimRef },
  };
  await client.patch(persistentVolume, keyOf(volume), { type: "merge", document });
}

function withinTime(work: Promise<unknown>, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(new Error("the scheduler stops"));
    const timer = clock.after(bindTimeoutMs, () => reject(new Error("timed out waiting for the volumes to be bound")));
    signal.addEventListener("abort", stopped);
    work
      .then(() => resolve(), reject)
      .finally(() => {
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", stopped);
      });
  });
}
