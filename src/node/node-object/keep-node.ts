import type { Node } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import type { Machine } from "./machine.ts";
import { isGivenUp } from "./node-conditions.ts";
import { NodeLease } from "./node-lease.ts";
import { type NodeParts, NodeWriter } from "./node-writer.ts";

/** The Node object and the Lease of this machine, kept in the API until disposed of. */
export interface KeptNode extends AsyncDisposable {
  /** Resolves when the Node is registered and its status says Ready. */
  readonly registered: Promise<void>;
  /** Whether the container runtime answers. A node whose runtime is silent for long is not ready. */
  runtimeAnswers(does: boolean): void;
  /** Says that the node goes down: nothing is to be scheduled to it any more. */
  goesDown(): Promise<void>;
  /** Its uid, once it is registered. */
  readonly uid: string | undefined;
  /** Writes the status: what is left on this machine has become another. */
  pressureChanged(): void;
  /** Other volumes are mounted that are attached to this node. */
  volumesChanged(): void;
  /** The machine has other addresses. */
  addressesChanged(): void;
  /** The user gives other labels. */
  labelsChanged(): void;
  /** Says which packets of its pods do not arrive, in a condition of its own; with "" it goes. */
  podNetworkMisses(what: string): void;
}

interface Parts extends NodeParts {
  readonly log: Log;
  /** The Nodes as the API shows them. */
  readonly nodes: Informer<Node>;
}

const renewMs = 10_000;
/** How often the status is looked at. It is written when it changed: the Lease says that the node lives. */
const statusMs = 5 * 60 * 1000;
/** A runtime that is restarted is away for a moment; kubelet waits as long. */
const runtimeSilenceMs = 30_000;

export function keepNode(parts: Parts): KeptNode {
  const { clock, log } = parts;
  const stop = new AbortController();
  const { promise: registered, resolve } = Promise.withResolvers<void>();
  const node = new NodeWriter(parts, stop.signal);
  const lease = new NodeLease({ ...parts, name: parts.identity.name });
  const renewLease = () => lease.renew(stop.signal);
  const timers = new Set<Disposable>();

  function repeat(everyMs: number, work: () => Promise<void>, sentence: string): void {
    const timer = clock.after(everyMs, () => {
      timers.delete(timer);
      void work()
        .catch((error: unknown) => log.warn(sentence, { error }))
        .finally(() => {
          if (!stop.signal.aborted) repeat(everyMs, work, sentence);
        });
    });
    timers.add(timer);
  }

  let isGone = false;
  /** Somebody deleted the Node: as kubelet does, this machine registers again when it starts anew, and not by itself. */
  async function whileThere(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      isGone = false;
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      if (!isGone) log.warn("this node was deleted from the cluster: restart skiff here to register it again");
      isGone = true;
    }
  }

  async function begin(): Promise<void> {
    const backoff = new Backoff({ firstMs: 200, maxMs: 7_000 }, clock);
    for (let told = false; !stop.signal.aborted; told = true) {
      try {
        await node.register();
        await renewLease();
        return resolve();
      } catch (error) {
        if (!told) log.warn("the node could not be registered yet", { node: parts.identity.name, error });
        await backoff.wait(stop.signal);
      }
    }
  }

  const beginning = begin().then(() => {
    if (stop.signal.aborted) return;
    repeat(renewMs, () => whileThere(renewLease), "the node's lease was not renewed");
    repeat(statusMs, () => whileThere(() => node.writeStatus()), "the node's status was not written");
  });
  // While this machine could not be heard, the node controller gave it up: as soon as that is seen, it is denied.
  const watching = parts.nodes.onChange(({ key, after }) => {
    if (key.name !== parts.identity.name || !after) return;
    if (isGivenUp(after) || hasUntaken(after, parts.machine)) write("status");
  });
  let silence: Disposable | undefined;
  function tell(answers: boolean): void {
    node.runtimeIsDown = !answers;
    write("status");
  }
  let writing: Promise<void> | undefined;
  const stale = new Set<"labels" | "status">();
  /** Writes what changed, again and again until a server has taken it. */
  function write(what: "labels" | "status"): void {
    stale.add(what);
    writing ??= writeUntilTaken().finally(() => {
      writing = undefined;
    });
  }
  async function writeUntilTaken(): Promise<void> {
    await beginning;
    const backoff = new Backoff({ firstMs: 500, maxMs: 10_000 }, clock);
    for (const what of untilEmpty(stale)) {
      if (stop.signal.aborted) return;
      try {
        await whileThere(() => (what === "labels" ? node.writeLabels() : node.writeStatus()));
      } catch (error) {
        log.warn("the node was not written, trying again", { what, error });
        stale.add(what);
        await backoff.wait(stop.signal);
      }
    }
  }
  return {
    registered,
    get uid() {
      return node.uid;
    },
    runtimeAnswers(does) {
      const wasSilent = silence !== undefined;
      silence?.[Symbol.dispose]();
      silence = does ? undefined : clock.after(runtimeSilenceMs, () => tell(false));
      // What answers now may be another version.
      if (does && wasSilent) tell(true);
    },
    async goesDown() {
      node.goesDown = true;
      await node.writeStatus();
    },
    pressureChanged: () => write("status"),
    volumesChanged: () => write("status"),
    addressesChanged: () => write("status"),
    labelsChanged: () => write("labels"),
    podNetworkMisses(what) {
      node.missing = what;
      write("status");
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      watching[Symbol.dispose]();
      silence?.[Symbol.dispose]();
      for (const timer of timers) timer[Symbol.dispose]();
      await beginning;
      await writing;
    },
  };
}

/** Takes what is in the set, one after the other, also what comes meanwhile. */
function* untilEmpty<T>(set: Set<T>): Generator<T> {
  for (let [next] = set; next !== undefined; [next] = set) {
    set.delete(next);
    yield next;
  }
}

/** Whether somebody advertises a resource of this node that pods are not given yet (Kubernetes docs, "Advertise Extended Resources for a Node"). */
function hasUntaken({ status: { capacity = {}, allocatable = {} } = {} }: Node, machine: Machine): boolean {
  const names = new Set([...Object.keys(capacity), ...Object.keys(allocatable)]);
  return [...names].some((name) => machine.capacity[name] === undefined && capacity[name] !== allocatable[name]);
}
