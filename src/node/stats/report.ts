import { readFile } from "node:fs/promises";
import { timeText } from "../../api/time.ts";
import { filledFileSystem, type VolumeUsage } from "../volumes/usage.ts";
import type { ContainerUsage, PodUsage } from "./collect.ts";

/** Processor time and memory of the whole machine. */
export interface MachineUsage {
  readonly cpuNanos: number;
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly bootedAtMs: number;
}

export async function machineUsage(nowMs: number): Promise<MachineUsage> {
  const [stat, meminfo, uptime] = await Promise.all(
    ["stat", "meminfo", "uptime"].map((file) => readFile(`/proc/${file}`, "utf8")),
  );
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    stat?.split("\n")[0]?.split(/\s+/).map(Number) ?? [];
  const hundredths = user + nice + system + irq + softirq + steal;
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(meminfo ?? "")?.[1] ?? 0) * 1024;
  return {
    cpuNanos: hundredths * 1e7,
    totalBytes: kilobytes("MemTotal"),
    availableBytes: kilobytes("MemAvailable"),
    bootedAtMs: nowMs - Number(uptime?.split(" ")[0] ?? 0) * 1000,
  };
}

/** Remembers the processor time that was last reported, so that the next report can tell what is used at the moment. */
export class RateMemory {
  #last = new Map<string, { nanos: number; atMs: number }>();
  #next = new Map<string, { nanos: number; atMs: number }>();

  /** Billionths of a processor since the last report; undefined at the first. */
  nanoCores(key: string, nanos: number | undefined, atMs: number): number | undefined {
    if (nanos === undefined) return undefined;
    this.#next.set(key, { nanos, atMs });
    const last = this.#last.get(key);
    if (!last || atMs <= last.atMs || nanos < last.nanos) return undefined;
    return Math.round(((nanos - last.nanos) / (atMs - last.atMs)) * 1000);
  }

  /** Ends a report: what was not mentioned is forgotten. */
  turn(): void {
    this.#last = this.#next;
    this.#next = new Map();
  }
}

/** /stats/summary (Kubernetes docs, "Node metrics data"). */
export async function summary({
  nodeName,
  directory,
  pods,
  volumes,
  machine,
  rates,
  nowMs,
}: {
  nodeName: string;
  directory: string;
  pods: readonly PodUsage[];
  /** By the pod's uid. */
  volumes: ReadonlyMap<string, readonly VolumeUsage[]>;
  machine: MachineUsage;
  rates: RateMemory;
  nowMs: number;
}): Promise<object> {
  const time = timeText(nowMs);
  const fs = { time, ...(await filledFileSystem(directory)) };
  const cpu = (key: string, nanos: number | undefined) => ({
    time,
    usageNanoCores: rates.nanoCores(key, nanos, nowMs),
    usageCoreNanoSeconds: nanos,
  });
  const containerStats = (pod: PodUsage, each: ContainerUsage) => ({
    name: each.name,
    startTime: timeText(each.startedAtMs),
    cpu: cpu(`${pod.uid}/${each.name}/${each.startedAtMs}`, each.cpuNanos),
    memory: { time, usageBytes: each.memoryBytes, workingSetBytes: each.workingSetBytes, rssBytes: each.rssBytes },
  });
  const podStats = (pod: PodUsage) => ({
    podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
    startTime: timeText(pod.startedAtMs),
    containers: pod.containers.map((each) => containerStats(pod, each)),
    cpu: cpu(pod.uid, total(pod.containers, "cpuNanos")),
    memory: {
      time,
      usageBytes: total(pod.containers, "memoryBytes"),
      workingSetBytes: total(pod.containers, "workingSetBytes"),
      rssBytes: total(pod.containers, "rssBytes"),
    },
    volume: (volumes.get(pod.uid) ?? []).map(({ claimName, ...fill }) => ({
      time,
      ...fill,
      ...(claimName && { pvcRef: { name: claimName, namespace: pod.namespace } }),
    })),
    ...(pod.network && {
      network: { time, name: "eth0", rxBytes: pod.network.receivedBytes, txBytes: pod.network.sentBytes },
    }),
  });
  const usedBytes = machine.totalBytes - machine.availableBytes;
  const report = {
    node: {
      nodeName,
      startTime: timeText(machine.bootedAtMs),
      cpu: cpu("", machine.cpuNanos),
      memory: { time, availableBytes: machine.availableBytes, usageBytes: usedBytes, workingSetBytes: usedBytes },
      fs,
      runtime: { imageFs: fs },
    },
    pods: pods.map(podStats),
  };
  rates.turn();
  return report;
}

export function total(
  containers: readonly ContainerUsage[],
  field: "cpuNanos" | "memoryBytes" | "workingSetBytes" | "rssBytes",
): number | undefined {
  const known = containers.map((each) => each[field]).filter((value) => value !== undefined);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : undefined;
}
