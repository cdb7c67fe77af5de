import { type Log, messageOf } from "../base/log.ts";
import { cgroups } from "./check/cgroups.ts";
import type { Check, Device, Finding, Intended } from "./check/check.ts";
import { clock, network } from "./check/clock.ts";
import { cluster } from "./check/cluster.ts";
import { diskSpace, diskSpeed, memory } from "./check/disk.ts";
import { docker } from "./check/docker.ts";
import { firewall } from "./check/firewall.ts";
import { forwarding, kernel, overlay, tools, tunnels } from "./check/kernel.ts";
import { apiPort } from "./check/ports.ts";
import type { JoinConfig, ServerConfig } from "./config.ts";

export type { Intended } from "./check/check.ts";

/** Every check, in the order in which the table shows them. */
export const checks: readonly Check[] = [
  tools,
  kernel,
  cgroups,
  forwarding,
  overlay,
  tunnels,
  firewall,
  docker,
  cluster,
  apiPort,
  network,
  diskSpace,
  diskSpeed,
  memory,
  clock,
];

/** Looks at this device once it works, and says in the log what would make it work better. */
export async function logFindings(intended: Intended, log: Log): Promise<void> {
  for (const { name, todo } of await inspectDevice(intended, { slow: false }))
    if (todo) log.warn("this device could be better for skiff; `skiff check` shows all", { about: name, todo });
}

export const intendedServer = (config: ServerConfig): Intended => ({
  ...config,
  agent: config.without.agent ? undefined : { ...config.agent, networkBackend: config.networkBackend },
});

export const intendedAgent = ({ dataDirectory, agent, server, token }: JoinConfig): Intended => ({
  dataDirectory,
  agent,
  join: { server, hasToken: token !== undefined },
});

export interface Row extends Finding {
  readonly name: string;
}

/** Looks at this device, one check after the other, so that none disturbs another. A check that fails is a warning. */
export async function inspectDevice(
  intended: Intended,
  { slow, device = { root: "/", nowMs: Date.now() } }: { slow: boolean; device?: Device },
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { name, isSlow = false, concerns, look } of checks) {
    if (!concerns(intended) || (isSlow && !slow)) continue;
    const finding = await look(intended, device).catch(
      (error: unknown): Finding => ({
        state: "warning",
        found: "unknown",
        todo: `could not be looked at: ${messageOf(error)}`,
      }),
    );
    rows.push({ name, ...finding });
  }
  return rows;
}
