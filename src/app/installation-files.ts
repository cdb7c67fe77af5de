import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { assetText } from "../base/assets.ts";

/** What an installation consists of beside the executable. The executable carries them, so that they always belong together. */
export const installationFiles = [
  "skiff.service",
  "skiff-agent.service",
  "skiff-killall.sh",
  "skiff-uninstall.sh",
] as const;
export type InstallationFile = (typeof installationFiles)[number];

export function installationFile(name: InstallationFile): string {
  return assetText(`systemd/${name}`) ?? readFileSync(resolve(import.meta.dirname, "../../systemd", name), "utf8");
}
