import { mkdtempDisposable, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readEnvFile, valueIn } from "./env-file.ts";

describe("a file of variables", () => {
  test.each([
    ["plain", "A='one'\nB='two'\n", "B", "two"],
    ["the first of a name", "A='one'\nA='two'\n", "A", "one"],
    ["nothing is expanded", "A='$B \\n = \"#\"'", "A", '$B \\n = "#"'],
    ["over several lines", "A='one\n  # two\n'\nB='x'", "A", "one\n  # two\n"],
    ["comments and blank lines", "# A='no'\n\n  \t\n  A='yes' # because", "A", "yes"],
    ["a space behind '='", "A= 'one'\nB='two'", "A", ""],
    ["absent", "A='one'", "B", ""],
    ["ends of lines from elsewhere", "A='one'\r\nB='two'\r\n", "B", "two"],
  ])("%s", (_, text, key, value) => expect(valueIn(text, key)).toBe(value));

  test.each([
    ["no quotes", "A=one"],
    ["double quotes", 'A="one"'],
    ["no value", "A="],
    ["a space before '='", "A ='one'"],
    ["no name", "='one'"],
    ["no '='", "A\nB='two'"],
    ["something behind", "A='one' two"],
    ["an open quote", "A='one\nB=two"],
  ])("is refused: %s", (_, text) => expect(() => valueIn(text, "B")).toThrow(/line 1/));

  test("is not looked for outside of its volume", async () => {
    await using made = await mkdtempDisposable(join(tmpdir(), "skiff-env-"));
    const volume = made.path;
    await writeFile(join(volume, "in.env"), "A='one'\n");
    await symlink("in.env", join(volume, "link.env"));
    await symlink("/etc/passwd", join(volume, "out.env"));
    expect(await readEnvFile(volume, { path: "link.env", key: "A" })).toBe("one");
    await expect(readEnvFile(volume, { path: "out.env", key: "A" })).rejects.toThrow("leads out of its volume");
  });
});
