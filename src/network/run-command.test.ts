import { expect, test } from "vitest";
import { runCommand, ToolMissing } from "./run-command.ts";

test("a program that is not installed is named, with what brings it", async () => {
  await expect(runCommand("skiff-no-such-program", [])).rejects.toThrow(ToolMissing);
});
