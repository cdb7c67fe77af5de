import { readFileSync } from "node:fs";
import { bundledPackages } from "./packages.ts";

interface Component {
  readonly type: "application" | "library" | "platform";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly unknown[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

/**
 * What is inside the executable, as CycloneDX 1.6 has it: Node.js and the packages of the bundle, each with the hash under which
 * the lock file holds it. No time and no random number, so that the same sources give the same bytes.
 */
export function billOfMaterials(metafile: string): string {
  const own = JSON.parse(readFileSync("package.json", "utf8"));
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { integrity?: string }>;
  };
  const runtimes = Object.entries(own.optionalDependencies as Record<string, string>).map(([name, version]) =>
    component("platform", { name, version, licence: "MIT", integrity: packages[`node_modules/${name}`]?.integrity }),
  );
  const libraries = bundledPackages(metafile).map(({ folder, ...each }) =>
    component("library", { ...each, integrity: packages[folder]?.integrity }),
  );
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: component("application", { name: own.name, version: own.version, licence: own.license }) },
    components: [...runtimes, ...libraries],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function component(
  type: Component["type"],
  {
    name,
    version,
    licence,
    integrity,
  }: { name: string; version: string; licence: string; integrity?: string | undefined },
): Component {
  const [, algorithm, hash] = /^(sha512)-(.+)$/.exec(integrity ?? "") ?? [];
  return {
    type,
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    // An expression such as "(MIT OR Apache-2.0)" stands in another place than a single licence.
    licenses: [/\s/.test(licence) ? { expression: licence } : { license: { id: licence } }],
    ...(algorithm && hash && { hashes: [{ alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") }] }),
  };
}
