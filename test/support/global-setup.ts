import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { imageArchive } from "./images.ts";
import { kubectlPath } from "./kubectl.ts";
import { removeLeftOvers } from "./left-overs.ts";

/** Runs once before the system tests: what they need and can be made beforehand. Says what is missing and cannot. */
export async function setup(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("the system tests need root: they make network namespaces and start Docker");
  if (!existsSync(resolve(import.meta.dirname, "../../dist/skiff")))
    throw new Error("dist/skiff is not there: `npm run build` makes it");
  await removeLeftOvers();
  console.log("kubectl and the tests' images are made ready …");
  await kubectlPath();
  for (const name of ["busybox:1", "nginx:1.25", "flask-app:1", "postgres:15"] as const) await imageArchive(name);
}
