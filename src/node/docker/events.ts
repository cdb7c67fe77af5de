import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { RuntimeEvent } from "../runtime.ts";
import { identityFrom, label, sandboxContainerName } from "./labels.ts";

const types: Readonly<Record<string, Exclude<RuntimeEvent["type"], "resync" | "lost">>> = {
  start: "started",
  die: "exited",
  destroy: "removed",
  oom: "oom",
};

/** Docker's event stream in the runtime's words. When it breaks it is opened again, then everything has to be looked at. */
export async function* dockerEvents(
  { docker, greet, clock, log }: { docker: Docker; greet: () => Promise<void>; clock: Clock; log: Log },
  signal: AbortSignal,
): AsyncGenerator<RuntimeEvent> {
  const backoff = new Backoff({ firstMs: 100, maxMs: 5_000 }, clock);
  let broken = false;
  while (!signal.aborted) {
    try {
      await greet();
      const stream = await open(docker, signal);
      if (broken) log.info("Docker answers again");
      broken = false;
      backoff.reset();
      yield { type: "resync" };
      yield* read(stream);
    } catch (error) {
      if (signal.aborted) return;
      if (!broken) {
        log.warn("Docker does not answer; waiting for it", { error });
        yield { type: "lost" };
      }
      broken = true;
    }
    await backoff.wait(signal);
  }
}

async function open(docker: Docker, signal: AbortSignal): Promise<Readable> {
  const filters = { type: ["container"], event: Object.keys(types), label: [`${label.managed}=true`] };
  const stream = (await docker.getEvents({ filters, abortSignal: signal } as Docker.GetEventsOptions)) as Readable;
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  return stream;
}

async function* read(stream: Readable): AsyncGenerator<RuntimeEvent> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const event = line.trim() === "" ? undefined : eventFrom(JSON.parse(line) as DockerEvent);
      if (event) yield event;
    }
  }
}

interface DockerEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

export function eventFrom({ Action, Actor }: DockerEvent): RuntimeEvent | undefined {
  const type = types[Action];
  if (!type) return undefined;
  const { podUid, container } = identityFrom(Actor.Attributes);
  return { type, id: Actor.ID, podUid, container: container === sandboxContainerName ? undefined : container };
}
