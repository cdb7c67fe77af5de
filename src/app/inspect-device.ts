import { messageOf } from "../base/log.ts";
import { cgroups } from "./check/cgroups.ts";
import type { Check, Device, Finding, Intended } from "./check/check.ts";
import { clock, network } from "./check/clock.ts";
import { diskSpace, diskSpeed, memory } from "./check/disk.ts";
import { docker } from "./check/docker.ts";
import { forwarding, kernel, tools } from "./check/kernel.ts";
import { apiPort } from "./check/ports.ts";

export type { Intended } from "./check/check.ts";

/** Every check, in the order in which the table shows them. */
export const checks: readonly Check[] = [
  tools,
  kernel,
  cgroups,
  forwarding,
  docker,
  apiPort,
  network,
  diskSpace,
  diskSpeed,
  memory,
  clock,
];

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
