import { readFile, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { ifAbsent } from "./files.ts";

test("a file that is absent is none; one that cannot be read is an error", async () => {
  expect(await stat("/nowhere/at/all").catch(ifAbsent)).toBeUndefined();
  expect(await stat(`${import.meta.filename}/below`).catch(ifAbsent)).toBeUndefined();
  await expect(readFile(import.meta.dirname).catch(ifAbsent)).rejects.toThrow("EISDIR");
});
