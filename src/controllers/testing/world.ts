import type { Kind } from "../../api/kind.ts";
import { event } from "../../api/kinds/core/event.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, type KubeObject, keyOf } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import { noLog } from "../../base/log.ts";
import { type FakeClock, fakeClock } from "../../base/testing/fake-clock.ts";
import { type Client, openClient } from "../../client/client.ts";
import { type Controller, startController } from "../../client/controller.ts";
import type { Informers } from "../../client/informer.ts";
import { openInformers } from "../../client/open-informers.ts";
import { type MemoryTransport, memoryTransport } from "../../client/testing/memory-transport.ts";
import { targetNode } from "../daemonset/nodes.ts";

/** Controllers over a small API server in memory, with a pretended kubelet that starts and ends pods at once. */
export interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly client: Client;
  /** What the controllers know; a restart makes them anew. */
  readonly informers: Informers;
  readonly transport: MemoryTransport;
  /** "Reason: message", in the order they were first told. */
  events(): Promise<string[]>;
  /** Lets the pretended kubelet leave pods of this name alone. */
  hold(name: RegExp): void;
  all<T extends KubeObject>(kind: Kind<T>): Promise<readonly T[]>;
  /** Ends the controllers in the middle of what they do, and starts them again with nothing remembered. */
  restart(): Promise<void>;
}

export async function aWorld(controllers: readonly Controller[], { kubelet = true } = {}): Promise<World> {
  const clock = fakeClock();
  const transport = memoryTransport(clock);
  const client = openClient(transport, { fieldManager: "test" });
  let held: RegExp | undefined;
  const care = async (current: Pod): Promise<void> => {
    const { name, namespace = "" } = current.metadata;
    const target = { name: targetNode(current) ?? "n1" };
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace }, target };
    if (!current.spec?.nodeName) await client.post(pod, keyOf(current), "binding", binding);
    else if (held?.test(name)) return;
    else if (isLeaving(current)) await client.delete(pod, keyOf(current), { gracePeriodSeconds: 0 });
    else if (!current.status?.phase) await client.updateStatus(pod, { ...current, status: runningSince(clock.now()) });
  };
  // Refused, or changed meanwhile: it looks again at what is there then.
  const look = (seen: Pod): void =>
    void care(seen).catch(() =>
      clock.after(100, () => {
        const current = informers.of(pod).get(keyOf(seen));
        if (current) look(current);
      }),
    );

  let informers: Informers;
  let running: AsyncDisposableStack;
  const start = async (): Promise<void> => {
    running = new AsyncDisposableStack();
    informers = running.use(openInformers(client, { clock, log: noLog }));
    for (const controller of controllers)
      running.use(await startController(controller, { client, informers, clock, log: noLog }));
    if (!kubelet) return;
    running.use(
      informers.of(pod).onChange(({ after }) => {
        if (after) look(after);
      }),
    );
  };
  await start();
  return {
    clock,
    client,
    transport,
    get informers() {
      return informers;
    },
    hold(name) {
      held = name;
    },
    async events() {
      return (await client.list(event)).items.map(({ reason, message }) => `${reason}: ${message}`);
    },
    all: async (kind) => (await client.list(kind)).items,
    async restart() {
      await running.disposeAsync();
      await start();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function runningSince(now: number): NonNullable<Pod["status"]> {
  const time = new Date(now).toISOString();
  return { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: time }] };
}
