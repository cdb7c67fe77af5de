import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { LogFile } from "./log-file.ts";

test("lines follow each other in one file, and a full file is set aside; the oldest go", async () => {
  const directory = await mkdtemp(join(tmpdir(), "skiff-audit-"));
  const path = join(directory, "logs", "audit.log");
  const clock = fakeClock();
  const options = { path, maxMegabytes: 1, maxBackups: 2, maxDays: 0, clock, log: noLog };
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
