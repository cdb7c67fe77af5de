import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Recollection } from "../client/recollection.ts";
import { type CsiVolumes, openCsiVolumes } from "./csi/mount.ts";
import { type DriverRegistry, openDriverRegistry } from "./csi/registry.ts";
import type { EventRecorder } from "./event-recorder.ts";
import { type WatchedObjects, watchObjects } from "./volumes/referenced-objects.ts";
import type { ServiceAccountTokens } from "./volumes/tokens.ts";
import { openVolumes, type Volumes } from "./volumes/volumes.ts";

export interface StorageOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly recollection: Recollection;
  readonly events: EventRecorder;
  readonly tokens: ServiceAccountTokens;
  readonly nodeName: string;
  /** What pods keep lies here, on disk. */
  readonly rootDirectory: string;
  /** What pods are given from the API lies here, in memory. */
  readonly memoryDirectory: string;
  /** Where CSI drivers look for what kubelet has in /var/lib/kubelet. */
  readonly driverDirectory: string;
  /** Called when the drivers say something else of the node. */
  readonly driversChanged: () => void;
  /** Called when other volumes are in use. */
  readonly volumesChanged: () => void;
}

/** What pods of this node are given to mount, and what fills it. */
export interface Storage {
  readonly drivers: DriverRegistry;
  readonly csi: CsiVolumes;
  readonly objects: WatchedObjects;
  readonly volumes: Volumes;
}

/** Opens it: drivers of storage, volumes that an earlier run mounted, objects of the API that volumes show. */
export async function openStorage(parts: Lifecycle, options: StorageOptions): Promise<Storage> {
  const { client, clock, log, recollection, events, tokens, nodeName, driverDirectory: directory } = options;
  const csiLog = log.part("csi");
  const drivers = await parts.start("csi drivers", () =>
    openDriverRegistry({ client, clock, log: csiLog, nodeName, directory, changed: options.driversChanged }),
  );
  const csi = await openCsiVolumes({
    client,
    clock,
    log: csiLog,
    events,
    nodeName,
    directory,
    driver: (name) => drivers.driver(name),
    token: (of, projection) => tokens.token(of, projection),
    changed: options.volumesChanged,
  });
  const objects = await parts.start("objects of pods", () => watchObjects({ client, clock, log, recollection }));
  const volumes = openVolumes({
    directory: join(options.rootDirectory, "pods"),
    memoryDirectory: join(options.memoryDirectory, "pods"),
    client,
    recollection,
    objects,
    csi,
  });
  return { drivers, csi, objects, volumes };
}
