import { lease } from "../../src/api/kinds/coordination/lease.ts";
import { node } from "../../src/api/kinds/core/node.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../src/api/object.ts";
import type { Pod, PodStatus } from "../../src/api/schema/types.ts";
import { isReason } from "../../src/api/status.ts";
import { microTimeText, timeText } from "../../src/api/time.ts";
import { userOf } from "../../src/app/part-users.ts";
import { sleep } from "../../src/base/backoff.ts";
import { noLog } from "../../src/base/log.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import type { Informer, Informers } from "../../src/client/informer.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import type { Transport } from "../../src/client/transport.ts";
import { type SimulatedCluster, Unreachable } from "./cluster.ts";

const heartbeatMs = 10_000;
const againMs = 1000;
const restartMs = 10_000;
const room = { cpu: "4", memory: "8Gi", pods: "30" };

/** The container of a pod, as it is on the device whatever the API says. */
export interface Container {
  readonly uid: string;
  /** The pod's namespace and name. */
  readonly pod: string;
  readonly address: string;
  state: "starting" | "running" | "exited";
  ready: boolean;
  exitCode: number;
  restarts: number;
  /** What the API was told last. */
  told: string;
}

/** A device of the simulation. Its pods are nothing but their states; to the API it says what a kubelet says. */
export class Device implements AsyncDisposable {
  readonly name: string;
  readonly #number: number;
  readonly #cluster: SimulatedCluster;
  readonly #client: Client;
  readonly #informers: Informers;
  readonly #pods: Informer<Pod>;
  readonly #containers = new Map<string, Container>();
  /** Pods that are being looked after this moment. */
  readonly #busy = new Set<string>();
  /** Pods of which nothing is left here, though the API may still have them. */
  readonly #letGo = new Set<string>();
  readonly #off = new AbortController();
  #cable: AbortController | undefined = new AbortController();
  #addresses = 0;

  constructor(number: number, cluster: SimulatedCluster) {
    this.name = `n${number}`;
    this.#number = number;
    this.#cluster = cluster;
    const transport = this.#wayTo(cluster.transportFor(userOf(`system:node:${this.name}`, ["system:nodes"])));
    this.#client = openClient(transport, { fieldManager: "kubelet" });
    this.#informers = openInformers(this.#client, { clock: cluster.clock, log: noLog });
    this.#pods = this.#informers.of(pod, { fieldSelector: `spec.nodeName=${this.name}` });
    this.#pods.onChange(({ before, after }) => {
      const uid = (after ?? before)?.metadata.uid ?? "";
      if (after) return void this.#lookAfter(uid);
      this.#containers.delete(uid);
      this.#letGo.delete(uid);
    });
    void this.#beat();
  }

  get containers(): readonly Container[] {
    return [...this.#containers.values()];
  }

  get isCutOff(): boolean {
    return this.#cable === undefined;
  }

  /** Pulls the cable. What runs goes on. */
  cutOff(): void {
    this.#cable?.abort();
    this.#cable = undefined;
  }

  /** Puts the cable back. */
  heal(): void {
    this.#cable ??= new AbortController();
  }

  /** A container ended by itself, or is ready or not any more: the API is told. */
  change(container: Container, change: Partial<Pick<Container, "state" | "ready" | "exitCode">>): void {
    Object.assign(container, change);
    void this.#lookAfter(container.uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#off.abort();
    await this.#informers[Symbol.asyncDispose]();
  }

  #wayTo(transport: Transport): Transport {
    const cable = (): AbortSignal => {
      if (!this.#cable) throw new Unreachable("the cable is pulled");
      return this.#cable.signal;
    };
    return {
      async request(request) {
        cable();
        const answer = await transport.request(request);
        cable();
        return answer;
      },
      async *watch(request, signal) {
        yield* transport.watch(request, AbortSignal.any([signal, cable()]));
        cable();
      },
      async discover(group, version) {
        cable();
        return transport.discover(group, version);
      },
    };
  }

  /** Says that the device is ready and renews its Lease, as long as it is on. */
  async #beat(): Promise<void> {
    while (!this.#off.signal.aborted) {
      await this.#attempt(() => this.#register());
      await this.#attempt(() => this.#renewLease());
      await this.#wait(heartbeatMs);
    }
  }

  async #register(): Promise<void> {
    const labels = { "kubernetes.io/hostname": this.name };
    const there = await this.#orCreate(
      () => this.#client.get(node, { name: this.name }),
      () => this.#client.create(node, { metadata: { name: this.name, labels }, spec: {} }),
    );
    if (there.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")) return;
    const now = timeText(this.#cluster.clock.now());
    const ready = { type: "Ready", status: "True", lastHeartbeatTime: now, lastTransitionTime: now };
    const conditions = [{ ...ready, reason: "KubeletReady", message: "kubelet is posting ready status" }];
    const status = { ...there.status, capacity: room, allocatable: room, conditions };
    await this.#client.updateStatus(node, { ...there, status });
  }

  async #renewLease(): Promise<void> {
    const key = { namespace: "kube-node-lease", name: this.name };
    const renewTime = microTimeText(this.#cluster.clock.now());
    const spec = { holderIdentity: this.name, leaseDurationSeconds: 40, renewTime };
    const there = await this.#orCreate(
      () => this.#client.get(lease, key),
      () => this.#client.create(lease, { metadata: key, spec }),
    );
    await this.#client.update(lease, { ...there, spec: { ...there.spec, ...spec } });
  }

  async #orCreate<T>(get: () => Promise<T>, create: () => Promise<T>): Promise<T> {
    try {
      return await get();
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      return create();
    }
  }

  /** Does for a pod what is to be done until nothing is; never twice at once for one pod. */
  async #lookAfter(uid: string): Promise<void> {
    if (this.#busy.has(uid)) return;
    this.#busy.add(uid);
    for (let step = this.#nextStep(uid); step && !this.#off.signal.aborted; step = this.#nextStep(uid))
      if (!(await this.#attempt(step))) await this.#wait(againMs);
    this.#busy.delete(uid);
  }

  /** What has to be done for a pod now; undefined when all is as it should be. */
  #nextStep(uid: string): (() => Promise<void>) | undefined {
    const [current] = this.#pods.by(byUid, uid);
    if (!current || this.#letGo.has(uid)) return undefined;
    const container = this.#containers.get(uid);
    if (isLeaving(current)) return () => this.#end(current, uid, container);
    if (hasEnded(current)) return undefined;
    if (!container) return () => this.#begin(current, uid);
    if (container.state === "starting") return () => this.#started(current, container);
    if (container.state === "exited" && isRestarted(current, container)) return () => this.#restart(current, container);
    const status = statusOf(current, container);
    return JSON.stringify(status) === container.told ? undefined : () => this.#tell(current, container, status);
  }

  async #begin({ metadata }: Pod, uid: string): Promise<void> {
    this.#containers.set(uid, {
      uid,
      pod: `${metadata.namespace}/${metadata.name}`,
      address: `10.42.${this.#number}.${(this.#addresses++ % 250) + 2}`,
      state: "starting",
      ready: false,
      exitCode: 0,
      restarts: 0,
      told: "",
    });
  }

  async #started({ spec }: Pod, container: Container): Promise<void> {
    await this.#wait(this.#cluster.chance.between(100, 3000));
    if (container.state === "starting") [container.state, container.ready] = ["running", true];
    if (spec?.restartPolicy !== "Always") void this.#work(container);
  }

  /** What a Job's program does: it ends by itself, mostly well. */
  async #work(container: Container): Promise<void> {
    const { chance } = this.#cluster;
    await this.#wait(chance.between(100, 60_000));
    if (container.state !== "running") return;
    this.change(container, { state: "exited", ready: false, exitCode: chance.happens(0.8) ? 0 : 1 });
  }

  async #restart({ spec }: Pod, container: Container): Promise<void> {
    await this.#wait(restartMs);
    container.restarts++;
    [container.state, container.ready] = ["running", true];
    if (spec?.restartPolicy !== "Always") void this.#work(container);
  }

  async #tell(current: Pod, container: Container, status: PodStatus): Promise<void> {
    const document = { metadata: { uid: container.uid }, status };
    const patch = { type: "strategic", document } as const;
    await this.#client.patch(pod, keyOf(current), patch, { subresource: "status" });
    container.told = JSON.stringify(status);
  }

  /** Stops what runs, then lets go of the pod. */
  async #end(current: Pod, uid: string, container: Container | undefined): Promise<void> {
    if (container && container.state !== "exited") {
      container.ready = false;
      await this.#wait(this.#cluster.chance.between(50, 2000));
      [container.state, container.exitCode] = ["exited", 143];
    }
    if (container && !hasEnded(current))
      await this.#tell(current, container, { ...statusOf(current, container), phase: "Failed" });
    try {
      await this.#client.delete(pod, keyOf(current), { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
    this.#letGo.add(uid);
  }

  /** Whether it went well. What did not is tried again by whoever asked for it, as on a device whose server is away. */
  async #attempt(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch {
      return false;
    }
  }

  #wait(ms: number): Promise<void> {
    return sleep(this.#cluster.clock, ms, this.#off.signal);
  }
}

const byUid = ({ metadata }: Pod): readonly string[] => [metadata.uid ?? ""];

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function isRestarted({ spec }: Pod, { exitCode }: Container): boolean {
  return spec?.restartPolicy === "Always" || (spec?.restartPolicy === "OnFailure" && exitCode !== 0);
}

function statusOf({ spec, metadata }: Pod, { state, exitCode, ready, address, restarts }: Container): PodStatus {
  const name = spec?.containers[0]?.name ?? "";
  const time = metadata.creationTimestamp ?? "";
  const phase = state === "running" ? "Running" : exitCode === 0 ? "Succeeded" : "Failed";
  const status = ready ? "True" : "False";
  const conditions = ["Ready", "ContainersReady"].map((type) => ({ type, status, lastTransitionTime: time }));
  const now =
    state === "running"
      ? { running: { startedAt: time } }
      : { terminated: { exitCode, reason: exitCode ? "Error" : "Completed" } };
  const container = { name, image: "i", imageID: "", ready, restartCount: restarts, state: now };
  return { phase, podIP: address, podIPs: [{ ip: address }], conditions, containerStatuses: [container] };
}
