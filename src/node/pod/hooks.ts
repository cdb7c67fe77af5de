import { setTimeout as sleep } from "node:timers/promises";
import type { LifecycleHandler } from "../../api/schema/types.ts";
import { type ProbeOutcome, type ProbeTarget, probeExec, probeTcp, tellHttp } from "../probes/handlers.ts";

/** Hooks have no time-out of their own; a preStop hook's is the grace period. */
const noTimeoutMs = 24 * 60 * 60 * 1000;

/** Runs a postStart or preStop hook. @throws what went wrong, for the Event */
export async function runHook(
  target: ProbeTarget,
  { exec, httpGet, tcpSocket, sleep: pause }: LifecycleHandler,
  timeoutMs = noTimeoutMs,
): Promise<void> {
  if (pause) return void (await sleep(Math.min(pause.seconds * 1000, timeoutMs), undefined, { ref: false }));
  const outcome = exec
    ? await probeExec(target, exec.command ?? [], timeoutMs)
    : httpGet
      ? await tellHttp(target, httpGet, timeoutMs)
      : tcpSocket
        ? await probeTcp(target, tcpSocket, timeoutMs)
        : ({ result: "success", output: "" } satisfies ProbeOutcome);
  if (outcome.result !== "success") throw new Error(outcome.output || "the command failed");
}
