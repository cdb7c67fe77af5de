/** The store by itself: `node test/bench/store.ts [DIRECTORY]`. Prints figures, asserts none. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { noLog } from "../../src/base/log.ts";
import type { Store } from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";

const parent = process.argv[2] ?? tmpdir();
const surroundings = { clock: systemClock, log: noLog };
const kilobyte = (fill: number) => Buffer.alloc(1024, fill);

async function inDirectory(measure: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(parent, "skiff-bench-"));
  try {
    await measure(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** `writers` write one after the other each, `count` in all; what an operation took in the middle and at the slow end. */
async function write(
  store: Store,
  { writers, count, key }: { writers: number; count: number; key: (i: number) => string },
) {
  const took: number[] = [];
  let next = 0;
  const began = performance.now();
  const one = async () => {
    while (next < count) {
      const i = next++;
      const start = performance.now();
      await store.put(key(i), { expected: "any", value: (revision) => kilobyte(revision) });
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: writers }, one));
  const seconds = (performance.now() - began) / 1000;
  took.sort((a, b) => a - b);
  const at = (share: number) => `${took[Math.floor((took.length - 1) * share)]!.toFixed(2)} ms`;
  return { perSecond: Math.round(count / seconds), p50: at(0.5), p99: at(0.99), max: at(1) };
}

const writtenBytes = (): number => Number(/^write_bytes: (\d+)/m.exec(readFileSync("/proc/self/io", "latin1"))?.[1]);
const residentMb = (): number => Math.round(process.memoryUsage.rss() / 1e5) / 10;

async function measured(name: string, store: Store, load: Parameters<typeof write>[1]): Promise<void> {
  const before = writtenBytes();
  const { perSecond, p50, p99, max } = await write(store, load);
  const each = Math.round((writtenBytes() - before) / load.count);
  console.log(`${name}: ${perSecond} rows/s, p50 ${p50}, p99 ${p99}, max ${max}, ${each} bytes written a row`);
}

async function open(directory: string): Promise<void> {
  const [before, began] = [residentMb(), performance.now()];
  await using store = await openStore({ kind: "sqlite", directory }, surroundings);
  const openedMs = Math.round(performance.now() - began);
  console.log(
    `10,000 entries of 2 KB: opened in ${openedMs} ms, resident ${before} MB before, ${residentMb()} MB after`,
  );
  const listing = performance.now();
  const { entries } = store.list("/pods/");
  console.log(`list of ${entries.length}: ${(performance.now() - listing).toFixed(2)} ms`);
}

if (process.argv[2] === "--open") {
  await open(process.argv[3]!);
  process.exit();
}

await inDirectory(async (directory) => {
  await using store = await openStore({ kind: "sqlite", directory }, surroundings);
  await write(store, { writers: 32, count: 2000, key: (i) => `/warm/${i}` });
  await measured("create 1 KB, 32 writers", store, { writers: 32, count: 40_000, key: (i) => `/a/${i}` });
  await measured("create 1 KB, 1 writer", store, { writers: 1, count: 4000, key: (i) => `/b/${i}` });
  await measured("update 1 KB, 32 writers, 1,000 keys", store, {
    writers: 32,
    count: 40_000,
    key: (i) => `/c/${i % 1000}`,
  });
  await measured("update 1 KB, 1 writer, 1,000 keys", store, { writers: 1, count: 4000, key: (i) => `/c/${i % 1000}` });
});

await inDirectory(async (directory) => {
  const fill = await openStore({ kind: "sqlite", directory }, surroundings);
  for (let i = 0; i < 10_000; i += 100) {
    const value = () => Buffer.alloc(2048, i);
    await Promise.all(
      Array.from({ length: 100 }, (_, j) => fill.put(`/pods/default/pod-${i + j}`, { expected: "absent", value })),
    );
  }
  await fill[Symbol.asyncDispose]();
  // In a process of its own: here the load above has grown the heap.
  execFileSync(process.execPath, [...process.execArgv, import.meta.filename, "--open", directory], {
    stdio: "inherit",
  });
});
