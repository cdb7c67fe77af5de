import type { KubeObject } from "../../src/api/object.ts";
import type { ResourceRequest, WatchEvent, WatchRequest } from "../../src/api/request.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { accountUser, partUser, userOf } from "../../src/app/part-users.ts";
import { constant } from "../../src/base/changing.ts";
import { noLog } from "../../src/base/log.ts";
import type { FakeClock } from "../../src/base/testing/fake-clock.ts";
import { openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import type { Transport } from "../../src/client/transport.ts";
import { runControllers } from "../../src/controllers/run.ts";
import { runScheduler } from "../../src/scheduler/run.ts";
import type { Store } from "../../src/store/contract.ts";
import { MemoryStore } from "../../src/store/memory/store.ts";
import { startApiServer } from "../support/api-server.ts";
import type { Chance } from "./chance.ts";
import { SimulatedDisk } from "./disk.ts";

type User = ReturnType<typeof userOf>;

/** A server that runs: everything that dies with its process. */
interface Server {
  readonly store: Store;
  readonly api: ApiServer;
  readonly parts: AsyncDisposableStack;
  /** Rejects when the server is killed. */
  readonly killed: Promise<never>;
  readonly kill: () => void;
}

/** The server was not reached, or went away before it had answered. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

// A short history: informers that were away for long fall out of it and have to list again.
const history = { events: 300, bytes: 4 * 1024 * 1024 };

/** The whole control plane in this process, on a simulated clock and disk. It can be killed between any two writes. */
export class SimulatedCluster implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly chance: Chance;
  readonly disk: SimulatedDisk;
  /** What must never be, and was seen. */
  readonly violations: string[] = [];
  /** In which share of the requests the way to the server or back fails. */
  lossShare = 0;
  #server: Server | undefined;

  constructor(clock: FakeClock, chance: Chance) {
    this.clock = clock;
    this.chance = chance;
    this.disk = new SimulatedDisk(clock, chance);
  }

  /** The store of the server that runs. */
  get store(): Store | undefined {
    return this.#server?.store;
  }

  async start(): Promise<void> {
    const { clock } = this;
    const { journal, recovered } = this.disk.open();
    const store = new MemoryStore({ journal, history, revisionsAhead: 1000, clock, log: noLog });
    const { promise: killed, reject } = Promise.withResolvers<never>();
    killed.catch(() => {}); // only those with a request under way have to know
    const parts = new AsyncDisposableStack();
    await store.recover(recovered);
    this.#expectAllThere(store);
    const api = parts.use(await startApiServer({ store, clock }));
    this.#server = { store, api, parts, killed, kill: () => reject(new Unreachable("the server was killed")) };

    const informers = parts.use(
      openInformers(openClient(api.transportFor(partUser("informers")), { fieldManager: "skiff" }), {
        clock,
        log: noLog,
      }),
    );
    const clientFor = (user: User, fieldManager: string) => openClient(this.transportFor(user), { fieldManager });
    const controllers = runControllers({
      clientFor: (account) => clientFor(accountUser(account), "kube-controller-manager"),
      informers,
      clock,
      log: noLog,
      options: { clusterCidrs: ["10.42.0.0/16"], rootCa: constant("the certificate") },
    });
    parts.use(await controllers);
    const client = clientFor(userOf("system:kube-scheduler"), "kube-scheduler");
    parts.use(await runScheduler({ client, informers, clock, log: noLog }));
  }

  /** From one instant to the next nothing of the server is left but its disk. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    this.disk.cutOff();
    server.kill();
    await server.parts.disposeAsync();
  }

  /** The way to whichever server runs, as a user. */
  transportFor(user: User): Transport {
    const cluster = this;
    return {
      async request(request) {
        const server = cluster.#reach();
        const answer = await Promise.race([server.api.transportFor(user).request(request), server.killed]);
        cluster.#expectOnDisk(request, answer);
        if (cluster.chance.happens(cluster.lossShare)) throw new Unreachable("the answer was lost");
        return answer;
      },
      async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
        const server = cluster.#reach();
        const ended = new AbortController();
        const either = AbortSignal.any([signal, ended.signal]);
        server.killed.catch(() => ended.abort());
        for await (const event of server.api.transportFor(user).watch(request, either)) {
          yield event;
          if (cluster.chance.happens(cluster.lossShare)) throw new Unreachable("the watch broke off");
        }
        if (ended.signal.aborted) throw new Unreachable("the server was killed");
      },
      async discover(group, version) {
        const server = cluster.#reach();
        return Promise.race([server.api.transportFor(user).discover(group, version), server.killed]);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #reach(): Server {
    if (!this.#server) throw new Unreachable("connection refused");
    if (this.chance.happens(this.lossShare)) throw new Unreachable("the request was lost");
    return this.#server;
  }

  /** What was acknowledged is on the disk. Leases and Events are the exception that the store's contract names. */
  #expectOnDisk({ verb, resource, options, name }: ResourceRequest, answer: unknown): void {
    if (!["create", "update", "patch"].includes(verb) || resource === "leases" || resource === "events") return;
    const { metadata } = answer as Partial<KubeObject>;
    if (options?.dryRun || !metadata?.resourceVersion) return;
    if (!this.disk.has(Number(metadata.resourceVersion)))
      this.violations.push(`${verb} of ${resource} ${name ?? metadata.name} was acknowledged and is not on the disk`);
  }

  #expectAllThere(store: Store): void {
    for (const { key, modRevision } of this.disk.newest()) {
      const found = store.get(key)?.modRevision;
      if (found !== modRevision)
        this.violations.push(`${key} was at revision ${modRevision} and is at ${found} after the start`);
    }
  }
}
