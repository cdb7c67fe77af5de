import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands/all.ts";
import { mayImport } from "./imports.ts";

const root = resolve(import.meta.dirname, "../..");
const headings = [/^## Promises$/m, /^## Needs$/m, /^## Words$/m, /^## .*way through/m, /^## Add another/m];

describe("documents", () => {
  test.each(Object.keys(mayImport))("%s says what it promises, needs and means, and how to add to it", (room) => {
    const file = join(root, "src", room, "README.md");
    expect(existsSync(file), file).toBe(true);
    const text = readFileSync(file, "utf8");
    expect(headings.filter((heading) => !heading.test(text)).map(String)).toEqual([]);
  });

  test("the files that the documents name are there", () => {
    for (const document of ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "test/README.md"]) {
      const text = readFileSync(join(root, document), "utf8");
      const named = [...text.matchAll(/`((?:src|test|docs|scripts)\/[\w./-]+)`|\]\(([\w./-]+\.md)\)/g)].map(
        (match) => match[1] ?? match[2] ?? "",
      );
      expect(
        named.filter((path) => !existsSync(join(root, path))),
        document,
      ).toEqual([]);
    }
  });

  test("the commands of the README exist", () => {
    const text = readFileSync(join(root, "README.md"), "utf8");
    const used = [...text.matchAll(/(?:^|`|\$\()skiff ([a-z]+)/gm)].map((match) => match[1]);
    const known = ["help", ...commands.map(({ name }) => name)];
    expect(used.filter((name) => !known.includes(name ?? ""))).toEqual([]);
  });
});
