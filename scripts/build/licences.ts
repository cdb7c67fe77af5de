import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundledPackages } from "./packages.ts";

/** The licences of everything that is inside the executable: skiff's own, Node.js', and those of each bundled package. */
export function licenceTexts(metafile: string): string {
  const parts = [
    `skiff\n\n${readFileSync("LICENSE", "utf8")}`,
    `Node.js\n\n${licenceIn(`node_modules/node-linux-${process.arch}`)}`,
  ];
  for (const { folder, name, version, licence } of bundledPackages(metafile))
    parts.push(`${name} ${version} (${licence})\n\n${licenceIn(folder)}`);
  return parts.join(`\n\n${"=".repeat(80)}\n\n`);
}

function licenceIn(folder: string): string {
  if (!existsSync(folder)) return "";
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file
    ? readFileSync(join(folder, file), "utf8")
    : "No licence file in the package; the licence is the one named above.";
}
