/**
 * Makes a release below dist/release, as install.sh expects it below a base address:
 *
 *   install.sh · channels/CHANNEL (the newest version of it) · VERSION/skiff-ARCH, skiff-ARCH.zst, skiff-ARCH.gz,
 *   VERSION/skiff.cdx.json (what is inside), VERSION/sha256sums.txt
 *
 *   npm run release                                   both architectures, channel stable
 *   npm run release -- --url https://HOST/skiff       the address from which install.sh downloads unless told otherwise
 *   npm run release -- --arch x64 --quick             one architecture, packed quickly: to try a release out
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { billOfMaterials } from "./build/bill-of-materials.ts";
import { placesOf } from "./build/places.ts";

const { values } = parseArgs({
  options: {
    arch: { type: "string", multiple: true, default: ["x64", "arm64"] },
    url: { type: "string", default: "" },
    channel: { type: "string", default: "stable" },
    out: { type: "string", default: "dist/release" },
    quick: { type: "boolean", default: false },
  },
});
process.chdir(resolve(import.meta.dirname, ".."));
const version = `v${JSON.parse(readFileSync("package.json", "utf8")).version}`;
const folder = join(values.out, version);
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(values.out, "channels"), { recursive: true });
mkdirSync(folder, { recursive: true });

for (const arch of values.arch) {
  const name = join(folder, `skiff-${arch}`);
  const built = placesOf(arch).output;
  if (!(values.quick && existsSync(built)))
    execFileSync(process.execPath, ["scripts/build.ts", "--arch", arch], { stdio: "inherit" });
  copyFileSync(built, name);
  const bytes = readFileSync(name);
  const level = values.quick ? 1 : 19;
  console.log(`packing ${name} …`);
  writeFileSync(`${name}.zst`, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }));
  writeFileSync(`${name}.gz`, gzipSync(bytes, { level: values.quick ? 1 : 9 }));
}
writeFileSync(
  join(folder, "skiff.cdx.json"),
  billOfMaterials(join(placesOf(values.arch[0] ?? process.arch).bundle, "metafile-cjs.json")),
);
const sums = readdirSync(folder)
  .sort()
  .map(
    (name) =>
      `${createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex")}  ${name}\n`,
  );
writeFileSync(join(folder, "sha256sums.txt"), sums.join(""));
writeFileSync(join(values.out, "channels", values.channel), `${version}\n`);
const installer = readFileSync("install.sh", "utf8").replace(/^default_url=$/m, `default_url=${values.url}`);
writeFileSync(join(values.out, "install.sh"), installer, { mode: 0o755 });
execFileSync("ls", ["-l", folder], { stdio: "inherit" });
