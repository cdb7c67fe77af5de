import { describe, expect, test, vi } from "vitest";
import { lease } from "../api/kinds/coordination/lease.ts";
import { StatusError } from "../api/status.ts";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { openClient } from "./client.ts";
import { leadWhenElected } from "./leader-election.ts";
import { memoryTransport } from "./testing/memory-transport.ts";

function aWorld() {
  const clock = fakeClock();
  const transport = memoryTransport(clock);
  const leaders: string[] = [];
  const stand = (identity: string) => {
    const client = openClient(transport, { fieldManager: identity });
    const stop = new AbortController();
    const options = { client, clock, log: noLog, namespace: "kube-system", name: "office", identity };
    const done = leadWhenElected(
      options,
      async (signal) => {
        leaders.push(identity);
        await new Promise<void>((end) => signal.addEventListener("abort", () => end()));
        leaders.splice(leaders.indexOf(identity), 1);
      },
      stop.signal,
    );
    return { stop: () => stop.abort(), done };
  };
  return { clock, transport, leaders, stand };
}

describe("an election by Lease", () => {
  test("has one leader, and the next when that one gives the office back", async () => {
    const { clock, leaders, stand } = aWorld();
    const first = stand("a");
    await vi.waitFor(() => expect(leaders).toEqual(["a"]));
    const second = stand("b");
    await clock.advance(60_000);
    expect(leaders).toEqual(["a"]);
    first.stop();
    await first.done;
    await clock.advance(2000);
    expect(leaders).toEqual(["b"]);
    second.stop();
    await second.done;
  });

  test("is not decided by a clock that is set while the leader is slow to renew", async () => {
    const { clock, transport, leaders, stand } = aWorld();
    const first = stand("a");
    await vi.waitFor(() => expect(leaders).toEqual(["a"]));
    const second = stand("b");
    await clock.advance(1000);
    transport.intercept = ({ verb, options }) => {
      if (verb !== "get" && options?.fieldManager === "a") throw new StatusError("ServiceUnavailable", "slow");
    };
    await clock.advance(3000);
    clock.set(365 * 24 * 60 * 60_000);
    await clock.advance(3000);
    expect(leaders).toEqual(["a"]);
    transport.intercept = () => {};
    first.stop();
    second.stop();
    await Promise.all([first.done, second.done]);
  });

  test("ends a leader that cannot renew before another may begin", async () => {
    const { clock, transport, leaders, stand } = aWorld();
    const first = stand("a");
    await vi.waitFor(() => expect(leaders).toEqual(["a"]));
    transport.intercept = ({ verb, options }) => {
      if (verb !== "get" && options?.fieldManager === "a") throw new StatusError("ServiceUnavailable", "cut off");
    };
    const second = stand("b");
    const seen = new Set<string>();
    for (let step = 0; step < 20; step++) {
      await clock.advance(1000);
      expect(leaders.length).toBeLessThanOrEqual(1);
      seen.add(leaders.join());
    }
    expect([...seen]).toEqual(["a", "", "b"]);
    first.stop();
    second.stop();
    await Promise.all([first.done, second.done]);
    expect((await openClient(transport, { fieldManager: "x" }).list(lease)).items[0]?.spec?.holderIdentity).toBe("");
  });
});
