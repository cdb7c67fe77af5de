import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { libraryHomes, mayImport } from "./imports.ts";

const src = resolve(import.meta.dirname, "../../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const isTest = (file: string) => /\.test\.ts$|\/testing\//.test(file);

/** Every import of every file: the file, and what it imports as a path under src/ or a package's name. */
const imports = files.flatMap((file) => {
  const text = readFileSync(join(src, file), "utf8");
  const specifiers = [...text.matchAll(/\b(?:from\s+|import\s+|import\s*\(\s*)"([^"\n]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  return specifiers.map((specifier) => ({
    file,
    target: specifier.startsWith(".") ? relative(src, resolve(src, dirname(file), specifier)) : undefined,
    library: specifier.startsWith(".") ? undefined : specifier,
  }));
});
const roomOf = (file: string) => file.split("/")[0] ?? "";

describe("imports", () => {
  test("every folder under src/ is a room of the table", () => {
    const rooms = new Set(files.filter((file) => file.includes("/")).map(roomOf));
    expect([...rooms].filter((room) => !mayImport[room])).toEqual([]);
  });

  test("rooms import only downwards, and only each other's faces", () => {
    const wrong = imports.filter(({ file, target }) => {
      if (!target || !file.includes("/") || target.startsWith("..") || roomOf(file) === roomOf(target)) return false;
      if (!mayImport[roomOf(file)]?.includes(roomOf(target))) return true;
      const depth = target.split("/").length;
      return depth > 2 && !["api"].includes(roomOf(target)) && !(isTest(file) && target.includes("/testing/"));
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  test("a library is imported only in its home", () => {
    const wrong = imports.filter(({ file, library }) => {
      if (!library || isTest(file) || library.startsWith("node:") || builtinModules.includes(library)) return false;
      const name = library
        .split("/")
        .slice(0, library.startsWith("@") ? 2 : 1)
        .join("/");
      return !libraryHomes[name]?.some((home) => file.startsWith(`${home}/`) || file === `${home}.ts`);
    });
    expect(wrong.map(({ file, library }) => `${file} imports ${library}`)).toEqual([]);
  });
});
