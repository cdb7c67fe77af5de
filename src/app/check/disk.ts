import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { open, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Check, ok, problem, warning } from "./check.ts";

const leastFreeMb = 200;
const comfortableFreeMb = 2_000;

export const diskSpace: Check = {
  name: "disk space",
  concerns: () => true,
  async look({ dataDirectory }) {
    const place = nearestThatIsThere(dataDirectory);
    const { bavail, bsize } = await statfs(place);
    const freeMb = Math.floor((bavail * bsize) / 1e6);
    const found = `${freeMb} MB free in ${place}`;
    if (!isWritable(place))
      return problem(found, `${place} cannot be written: use sudo, or choose another place with --data-dir`);
    if (freeMb < leastFreeMb)
      return problem(
        found,
        `the disk of ${place} has ${freeMb} MB free, and skiff needs ${leastFreeMb} MB: make room, or choose another place with --data-dir`,
      );
    if (freeMb < comfortableFreeMb)
      return warning(found, `images of containers need room too: ${freeMb} MB are soon full; make room`);
    return ok(found);
  },
};

/** Every write that skiff acknowledges is on the disk: how long one takes is how fast the cluster is. */
export const diskSpeed: Check = {
  name: "disk speed",
  isSlow: true,
  concerns: () => true,
  async look({ dataDirectory }) {
    const place = nearestThatIsThere(dataDirectory);
    if (!isWritable(place)) return problem("not tried", `${place} cannot be written`);
    const medianMs = await medianWriteMs(join(place, `.skiff-check-${process.pid}`));
    const found = `${medianMs.toFixed(1)} ms for a write to reach the disk`;
    if (medianMs < slowMs) return ok(found);
    return warning(
      found,
      "the disk is slow, and so will be changes to the cluster: take an A2 card, an SSD over USB, or another place with --data-dir",
    );
  },
};

const slowMs = 50;
const writes = 15;
const longestMs = 3_000;

async function medianWriteMs(file: string): Promise<number> {
  const handle = await open(file, "w");
  const took: number[] = [];
  try {
    const began = performance.now();
    while (took.length < writes && performance.now() - began < longestMs) {
      const at = performance.now();
      await handle.write(Buffer.alloc(4096, took.length + 1), 0, 4096, took.length * 4096);
      await handle.datasync();
      took.push(performance.now() - at);
    }
  } finally {
    await handle.close();
    await rm(file);
  }
  return took.sort((a, b) => a - b)[took.length >> 1] ?? 0;
}

export const memory: Check = {
  name: "memory",
  concerns: () => true,
  async look({ listen }, { root }) {
    const text = readFileSync(join(root, "proc/meminfo"), "utf8");
    const totalMb = Math.round(Number(/^MemTotal:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1000);
    const freeMb = Math.round(Number(/^MemAvailable:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1000);
    const found = `${totalMb} MB, of which ${freeMb} MB are free`;
    const wantedMb = listen ? 400 : 250;
    if (totalMb >= wantedMb) return ok(found);
    return warning(
      found,
      `${totalMb} MB are little for skiff, Docker and pods: a ${listen ? "server" : "node"} should have ${wantedMb} MB`,
    );
  },
};

function nearestThatIsThere(path: string): string {
  return existsSync(path) ? path : nearestThatIsThere(dirname(path));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // no right, or a read-only file system
  }
}
