import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The licences of everything that is inside the executable: skiff's own, Node.js', and those of each bundled package. */
export function licenceTexts(metafile: string): string {
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
  const folders = new Set(
    Object.keys(inputs).flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
  );
  folders.add("node_modules/better-sqlite3");
  const parts = [
    `skiff\n\n${readFileSync("LICENSE", "utf8")}`,
    `Node.js\n\n${licenceIn(`node_modules/node-linux-${process.arch}`)}`,
  ];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    parts.push(`${name} ${version} (${license})\n\n${licenceIn(folder)}`);
  }
  return parts.join(`\n\n${"=".repeat(80)}\n\n`);
}

function licenceIn(folder: string): string {
  if (!existsSync(folder)) return "";
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file
    ? readFileSync(join(folder, file), "utf8")
    : "No licence file in the package; the licence is the one named above.";
}
