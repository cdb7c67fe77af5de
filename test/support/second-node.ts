import { afterAll, beforeAll } from "vitest";
import { type Agent, type AgentOptions, joinCluster } from "./agent.ts";
import { writeConfig } from "./cluster.ts";
import { type ImageName, loadImages } from "./images.ts";
import type { Journey } from "./journey.ts";
import type { Machine, MachineOptions } from "./machine.ts";

export interface SecondNode {
  readonly machine: Machine;
  readonly agent: Agent;
}

/** Gives a journey a further machine whose agent joins its cluster before the tests; ends the agent behind them. */
export function secondNode(
  on: Journey,
  name: string,
  {
    images = ["busybox:1"],
    config,
    cardMegabytes,
    dockerdFlags,
    ...options
  }: AgentOptions &
    Pick<MachineOptions, "cardMegabytes" | "dockerdFlags"> & { images?: readonly ImageName[]; config?: string } = {},
): SecondNode {
  const parts: { machine?: Machine; agent?: Agent } = {};
  beforeAll(async () => {
    const given = { ...(cardMegabytes && { cardMegabytes }), ...(dockerdFlags && { dockerdFlags }) };
    parts.machine = await on.lan.machine(name, given);
    await loadImages(parts.machine, images);
    if (config) await writeConfig(parts.machine, config);
    parts.agent = await joinCluster(parts.machine, on.cluster, options);
  });
  afterAll(() => parts.agent?.[Symbol.asyncDispose]());
  const there = <T>(part: T | undefined): T => {
    if (!part) throw new Error(`machine ${name} has not joined`);
    return part;
  };
  return {
    get machine() {
      return there(parts.machine);
    },
    get agent() {
      return there(parts.agent);
    },
  };
}
