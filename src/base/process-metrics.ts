import { readdirSync, readFileSync } from "node:fs";
import type { Metric } from "./metrics.ts";

// Linux' unit in /proc/self/statm on the machines that skiff is built for.
const pageBytes = 4096;

/** What every process with metrics tells of itself (Prometheus, "Writing client libraries", "Process metrics"). */
export function processMetrics(): Metric[] {
  const cpu = process.cpuUsage();
  const [virtualPages = 0, residentPages = 0] = readFileSync("/proc/self/statm", "utf8").split(" ").map(Number);
  const mostFiles = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const one = (name: string, type: Metric["type"], help: string, value: number | undefined): Metric => ({
    name: `process_${name}`,
    type,
    help,
    samples: [[{}, value]],
  });
  return [
    one("cpu_seconds_total", "counter", "CPU time used, in seconds.", (cpu.user + cpu.system) / 1e6),
    one("resident_memory_bytes", "gauge", "Resident memory.", residentPages * pageBytes),
    one("virtual_memory_bytes", "gauge", "Virtual memory.", virtualPages * pageBytes),
    one("start_time_seconds", "gauge", "When the process began, in seconds since 1970.", startedAtSeconds),
    one("open_fds", "gauge", "Open files and sockets.", readdirSync("/proc/self/fd").length),
    one("max_fds", "gauge", "How many of them there may be.", mostFiles === undefined ? undefined : Number(mostFiles)),
  ];
}

const startedAtSeconds = Math.round(performance.timeOrigin) / 1000;
