/** Builds the programs of skiff's own images for an architecture: `node scripts/make-images.ts [x64|arm64]`; prints their paths. */
import { type Architecture, allBinaries, buildBinary } from "../src/node/images/binaries.ts";

const architecture = (process.argv[2] ?? process.arch) as Architecture;
for (const name of allBinaries) console.log(await buildBinary(name, architecture));
