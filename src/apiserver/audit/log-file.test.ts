import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { LogFile } from "./log-file.ts";

test("lines follow each other in one file, and a full file is set aside; the oldest go", async () => {
  const directory = await mkdtemp(join(tmpdir(), "skiff-audit-"));
  const path = join(directory, "logs", "audit.log");
  const clock = fakeClock();
  const options = { path, maxMegabytes: 1, maxBackups: 2, maxDays: 0, compress: false, clock, log: noLog };
  const files = async () => (await readdir(join(directory, "logs"))).length;
  try {
    {
      await using file = await LogFile.open(options);
      file.write("one");
      file.write("two");
    }
    {
      await using file = await LogFile.open(options);
      file.write("three");
    }
    expect(await readFile(path, "utf8")).toBe("one\ntwo\nthree\n");
    for (let i = 0; i < 4; i++) {
      await clock.advance(1000);
      await using file = await LogFile.open(options);
      file.write("x".repeat(900_000));
    }
    expect(await files()).toBe(3);
    expect((await readFile(path, "utf8")).length).toBe(900_001);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("files that were set aside are compressed where that is wanted, and are counted all the same", async () => {
  const directory = await mkdtemp(join(tmpdir(), "skiff-audit-"));
  const path = join(directory, "audit.log");
  const clock = fakeClock();
  const options = { path, maxMegabytes: 1, maxBackups: 1, maxDays: 0, compress: true, clock, log: noLog };
  try {
    for (const letter of ["a", "b", "c"]) {
      await clock.advance(1000);
      await using file = await LogFile.open(options);
      file.write(letter.repeat(900_000));
    }
    const [aside = "", current] = (await readdir(directory)).sort();
    expect(current).toBe("audit.log");
    expect(aside).toMatch(/^audit-.*\.log\.gz$/);
    expect(gunzipSync(await readFile(join(directory, aside))).toString()).toBe(`${"b".repeat(900_000)}\n`);
  } finally {
    await rm(directory, { recursive: true });
  }
});
