import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { csiNode } from "../../api/kinds/storage/csi-node.ts";
import type { CSINode, CSINodeDriver } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { ifAbsent } from "../../base/files.ts";
import { type Log, messageOf } from "../../base/log.ts";
import { watchDirectory } from "../../base/watch-directory.ts";
import type { Client } from "../../client/client.ts";
import { type CsiDriver, callSocket, type DriverNode, openDriver } from "./driver.ts";
import { shapes } from "./messages.ts";

/** The drivers that run on this node, by the sockets that they put into kubelet's directory. */
export interface DriverRegistry extends Disposable {
  driver(name: string): CsiDriver | undefined;
  /** What the Node object says of them. */
  labels(): Readonly<Record<string, string>>;
  annotations(): Readonly<Record<string, string | undefined>>;
  /** The Node is registered under this uid: from now on the API is told which drivers it has. */
  announce(nodeUid: string | undefined): void;
}

export interface RegistryParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  /** kubelet's directory, in which drivers look: /var/lib/kubelet. */
  readonly directory: string;
  /** Called when labels or annotations are others. */
  readonly changed: () => void;
}

interface Registered {
  readonly socket: string;
  /** Another one means that the driver was started anew. */
  readonly mark: string;
  readonly driver: CsiDriver;
  readonly node: DriverNode;
}

const nodeIds = "csi.volume.kubernetes.io/nodeid";
/** kubelet's back-off for what it does to plugins. */
const retryMs = { firstMs: 500, maxMs: 122_000 };
/** What a driver says without having to ask anybody. */
const shortCallMs = 10_000;
/** A driver makes its socket in several steps. */
const quietMs = 200;

/** Follows the directory of registrations (kubelet's plugin registration, "v1"). */
export async function openDriverRegistry(parts: RegistryParts): Promise<DriverRegistry> {
  const { client, clock, log, nodeName, directory, changed } = parts;
  const registrations = join(directory, "plugins_registry");
  // Drivers' pods mount these and expect them to be there.
  for (const name of ["plugins", "pods", "plugins_registry"])
    await mkdir(join(directory, name), { recursive: true, mode: 0o750 });
  /** By the driver's name. */
  const drivers = new Map<string, Registered>();
  const stop = new AbortController();
  const retry = new Backoff(retryMs, clock);
  /** By socket: what registers the driver behind it, or has done so; ended when the socket goes. */
  const registering = new Map<string, { readonly mark: string; readonly end: AbortController }>();
  let timer: Disposable | undefined;
  let working: Promise<void> = Promise.resolve();
  let uid: string | undefined;
  let isAnnounced = false;

  /** Looks as soon as the look before is over. */
  function lookNow(): void {
    timer?.[Symbol.dispose]();
    working = working.then(look);
  }

  async function look(): Promise<void> {
    if (stop.signal.aborted) return;
    const isDone = await round().catch((error: unknown) => {
      log.warn("CSI drivers cannot be looked for", { directory: registrations, error });
      return false;
    });
    if (isDone) retry.reset();
    else if (!stop.signal.aborted) timer = clock.after(retry.nextMs(), lookNow);
  }

  /** Resolves with whether the API knows. */
  async function round(): Promise<boolean> {
    const sockets = await socketsIn(registrations);
    for (const [name, { socket, mark }] of drivers)
      if (sockets.get(socket) !== mark) {
        drivers.delete(name);
        log.info("a CSI driver has gone", { driver: name });
      }
    for (const [socket, { mark, end }] of registering)
      if (sockets.get(socket) !== mark) {
        registering.delete(socket);
        end.abort();
      }
    const known = new Set([...drivers.values()].map(({ socket }) => socket));
    for (const [socket, mark] of sockets) if (!known.has(socket) && !registering.has(socket)) begin(socket, mark);
    changed();
    return !isAnnounced || (await publish().then(() => true, notPublished));
  }

  /** Each driver by itself, until it is registered or its socket has gone: one that hangs holds up no other. */
  function begin(socket: string, mark: string): void {
    const end = new AbortController();
    registering.set(socket, { mark, end });
    void (async () => {
      const backoff = new Backoff(retryMs, clock);
      while (!end.signal.aborted) {
        try {
          await register(socket, mark, end.signal);
          return;
        } catch (error) {
          if (!end.signal.aborted)
            log.info("a CSI driver could not be registered yet", { socket, error: messageOf(error) });
          await backoff.wait(end.signal);
        }
      }
    })();
  }

  const notPublished = (error: unknown) => {
    log.warn("the node's CSI drivers were not written", { error });
    return false;
  };

  async function register(socket: string, mark: string, signal: AbortSignal): Promise<void> {
    const path = (name: string) => `/pluginregistration.Registration/${name}`;
    const info = await callSocket(socket, path("GetInfo"), {
      ask: shapes.empty,
      message: {},
      answer: shapes.pluginInfo,
      limitMs: shortCallMs,
    });
    const { type, name = "", endpoint = "" } = info as { type?: string; name?: string; endpoint?: string };
    // Plugins of other sorts register in the same place.
    if (type !== "CSIPlugin") return;
    const driver = openDriver(endpoint || socket);
    const notify = (message: { registered: boolean; error?: string }) =>
      callSocket(socket, path("NotifyRegistrationStatus"), {
        ask: shapes.registrationStatus,
        message,
        answer: shapes.empty,
        limitMs: shortCallMs,
      });
    const node = await driver.node().catch(async (error: unknown) => {
      await notify({ registered: false, error: messageOf(error) });
      throw error;
    });
    signal.throwIfAborted();
    drivers.set(name, { socket, mark, driver, node });
    lookNow();
    await notify({ registered: true });
    log.info("a CSI driver has come", { driver: name });
  }

  /** Says in CSINode which drivers the node has. */
  async function publish(): Promise<void> {
    const wanted = [...drivers].map(([name, { node }]) => driverEntry(name, node));
    const there = await client.get(csiNode, { name: nodeName }).catch((error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
      return undefined;
    });
    if (!there) {
      const ownerReferences = uid ? [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }] : [];
      await client.create(csiNode, { metadata: { name: nodeName, ownerReferences }, spec: { drivers: wanted } });
      return;
    }
    if (isSame(there.spec.drivers ?? [], wanted)) return;
    // A driver that came back as another one may not change in place.
    const unchanged = (there.spec.drivers ?? []).filter((one) => wanted.some((each) => isSame([each], [one])));
    const cleared: CSINode = { ...there, spec: { drivers: unchanged } };
    const base = isSame(there.spec.drivers ?? [], unchanged) ? there : await client.update(csiNode, cleared);
    if (!isSame(unchanged, wanted)) await client.update(csiNode, { ...base, spec: { drivers: wanted } });
  }

  const watching = watchDirectory({ directory: registrations, quietMs, clock, log }, lookNow);
  lookNow();
  return {
    driver: (name) => drivers.get(name)?.driver,
    labels: () => Object.assign({}, ...[...drivers.values()].map(({ node }) => node.topology)),
    annotations() {
      const ids = Object.fromEntries([...drivers].map(([name, { node }]) => [name, node.nodeId]));
      return { [nodeIds]: drivers.size > 0 ? JSON.stringify(ids) : undefined };
    },
    announce(nodeUid) {
      uid = nodeUid;
      isAnnounced = true;
      lookNow();
    },
    [Symbol.dispose]() {
      stop.abort();
      for (const { end } of registering.values()) end.abort();
      watching[Symbol.dispose]();
      timer?.[Symbol.dispose]();
    },
  };
}

/** Which socket of each path is there. */
async function socketsIn(directory: string): Promise<ReadonlyMap<string, string>> {
  const names = ((await readdir(directory).catch(ifAbsent)) ?? []).filter((name) => !name.startsWith("."));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const there = await stat(path).catch(ifAbsent);
      return there?.isSocket() ? [[path, `${there.ino} ${there.ctimeMs}`] as const] : [];
    }),
  );
  return new Map(found.flat());
}

function driverEntry(name: string, { nodeId, maxVolumes, topology }: DriverNode): CSINodeDriver {
  const topologyKeys = Object.keys(topology).sort();
  return {
    name,
    nodeID: nodeId,
    ...(topologyKeys.length > 0 && { topologyKeys }),
    ...(maxVolumes > 0 && { allocatable: { count: maxVolumes } }),
  };
}

const isSame = (some: readonly CSINodeDriver[], others: readonly CSINodeDriver[]): boolean =>
  textOf(some) === textOf(others);

function textOf(drivers: readonly CSINodeDriver[]): string {
  const plain = drivers.map(({ name, nodeID, topologyKeys = [], allocatable }) => [
    name,
    nodeID,
    [...(topologyKeys ?? [])].sort(),
    allocatable?.count,
  ]);
  return JSON.stringify(plain.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)));
}
