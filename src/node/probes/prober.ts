import type { Probe } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import { type ProbeOutcome, type ProbeTarget, probeExec, probeGrpc, probeHttp, probeTcp } from "./handlers.ts";

export type ProbeSort = "startup" | "readiness" | "liveness";

export interface ProberOptions {
  readonly sort: ProbeSort;
  readonly probe: Probe;
  readonly target: ProbeTarget;
  readonly startedAtMs: number;
  /** The finding to begin with, if there is one. */
  readonly initially: boolean | undefined;
  readonly clock: Clock;
  /** Called when the finding becomes another. */
  readonly found: (healthy: boolean) => void;
  /** Called for every probe, with what came of it. */
  readonly counted?: (result: ProbeOutcome["result"]) => void;
  /** Called for every probe that failed, with the words for the Event. */
  readonly failed: (message: string) => void;
  /** Called for every one that succeeded in a doubtful way, the same. */
  readonly warned: (message: string) => void;
  /** Whether this probe's time has come: liveness and readiness wait for the startup probe. */
  readonly due: () => boolean;
}

const words: Record<ProbeSort, string> = { startup: "Startup", readiness: "Readiness", liveness: "Liveness" };

/**
 * Probes a running container again and again until disposed of. A finding changes after `failureThreshold` failures or
 * `successThreshold` successes in a row (Kubernetes docs, "Pod Lifecycle", section "Container probes").
 */
export function startProber({
  sort,
  probe,
  target,
  startedAtMs,
  initially,
  clock,
  found,
  failed,
  warned,
  due,
  counted,
}: ProberOptions): Disposable {
  const {
    initialDelaySeconds = 0,
    periodSeconds = 10,
    timeoutSeconds = 1,
    failureThreshold = 3,
    successThreshold = 1,
  } = probe;
  let stopped = false;
  let timer: Disposable | undefined;
  let last: ProbeOutcome["result"] | undefined;
  let inRow = 0;
  let finding = initially;

  async function round(): Promise<void> {
    if (due()) judge(await runProbe(target, probe, timeoutSeconds * 1000));
    if (!stopped) timer = clock.after(periodSeconds * 1000, () => void round());
  }

  function judge({ result, output, warns }: ProbeOutcome): void {
    if (stopped) return;
    counted?.(result);
    if (warns) warned(`${words[sort]} probe warning: ${output}`);
    if (result === "unknown") {
      failed(`${words[sort]} probe errored and resulted in unknown state: ${output}`);
      return;
    }
    if (result === "failure") failed(`${words[sort]} probe failed: ${output}`);
    inRow = last === result ? inRow + 1 : 1;
    last = result;
    if (inRow < (result === "success" ? successThreshold : failureThreshold)) return;
    const healthy = result === "success";
    if (finding === healthy) return;
    finding = healthy;
    found(healthy);
    // A container that has started needs no more startup probes; one that failed them will be replaced.
    if (sort === "startup") stop();
  }

  function stop(): void {
    stopped = true;
    timer?.[Symbol.dispose]();
  }

  // Never longer than asked for: the clock may have been set back since the container began.
  const delayMs = initialDelaySeconds * 1000;
  const firstMs = Math.min(delayMs, Math.max(0, startedAtMs + delayMs - clock.now()));
  timer = clock.after(firstMs, () => void round());
  return { [Symbol.dispose]: stop };
}

async function runProbe(
  target: ProbeTarget,
  { exec, httpGet, tcpSocket, grpc }: Probe,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  try {
    if (exec) return await probeExec(target, exec.command ?? [], timeoutMs);
    if (httpGet) return await probeHttp(target, httpGet, timeoutMs);
    if (tcpSocket) return await probeTcp(target, tcpSocket, timeoutMs);
    if (grpc) return await probeGrpc(target, grpc, timeoutMs);
    return { result: "unknown", output: "missing probe handler" };
  } catch (error) {
    return { result: "unknown", output: (error as Error).message };
  }
}
