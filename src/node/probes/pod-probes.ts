import type { Clock } from "../../base/clock.ts";
import type { PodContainer } from "../pod/containers.ts";
import type { ProbeFindings } from "../pod/decide.ts";
import type { Container, ContainerRuntime } from "../runtime.ts";
import type { ProbeOutcome } from "./handlers.ts";
import { type ProbeSort, startProber } from "./prober.ts";

export interface PodProbesOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  /** Called when a finding became another. */
  readonly changed: () => void;
  readonly failed: (container: PodContainer, message: string) => void;
  readonly warned: (container: PodContainer, message: string) => void;
  /** Called for every probe, with what came of it. */
  readonly counted: (container: PodContainer, sort: ProbeSort, result: ProbeOutcome["result"]) => void;
}

export interface ProbedContainer {
  readonly container: PodContainer;
  readonly running: Container;
  /** What was known of it already. */
  readonly before: ProbeFindings;
}

/** The probes of one pod's running containers. */
export interface PodProbes extends Disposable {
  readonly findings: ReadonlyMap<string, ProbeFindings>;
  /** Probes these, and no others. */
  keep(running: readonly ProbedContainer[], podIp: string): void;
  /** From now on only readiness is probed: the pod ends, and nobody restarts its containers. */
  onlyReadiness(): void;
}

export function openPodProbes({ runtime, clock, changed, failed, warned, counted }: PodProbesOptions): PodProbes {
  const findings = new Map<string, ProbeFindings>();
  const probers = new Map<string, { sort: ProbeSort; prober: Disposable }[]>();
  let sorts: readonly ProbeSort[] = ["startup", "readiness", "liveness"];

  function begin({ container, running, before }: ProbedContainer, podIp: string) {
    findings.set(running.id, before);
    const { spec } = container;
    const target = { runtime, container: spec, containerId: running.id, podIp };
    const probes = { startup: spec.startupProbe, readiness: spec.readinessProbe, liveness: spec.livenessProbe };
    const hasStarted = () => !spec.startupProbe || findings.get(running.id)?.startup === true;
    return sorts.flatMap((sort) => {
      const probe = probes[sort];
      if (!probe || (sort === "startup" && before.startup)) return [];
      const found = (healthy: boolean) => {
        findings.set(running.id, { ...findings.get(running.id), [sort]: healthy });
        changed();
      };
      const prober = startProber({
        sort,
        probe,
        target,
        startedAtMs: running.startedAtMs,
        clock,
        found,
        failed: (message) => failed(container, message),
        warned: (message) => warned(container, message),
        counted: (result) => counted(container, sort, result),
        initially: before[sort],
        due: () => sort === "startup" || hasStarted(),
      });
      return { sort, prober };
    });
  }

  function end(id: string): void {
    for (const { prober } of probers.get(id) ?? []) prober[Symbol.dispose]();
    probers.delete(id);
    findings.delete(id);
  }

  return {
    findings,
    keep(running, podIp) {
      const ids = new Set(running.map((each) => each.running.id));
      for (const id of [...probers.keys()]) if (!ids.has(id)) end(id);
      for (const each of running) {
        if (!probers.has(each.running.id)) probers.set(each.running.id, begin(each, podIp));
      }
    },
    onlyReadiness() {
      sorts = ["readiness"];
      for (const { sort, prober } of [...probers.values()].flat()) if (sort !== "readiness") prober[Symbol.dispose]();
    },
    [Symbol.dispose]() {
      for (const id of [...probers.keys()]) end(id);
    },
  };
}
