import { assetText } from "../../base/assets.ts";
import type { Command } from "../command.ts";

/** Prints the licences of everything that is inside the executable. */
export const licences: Command = {
  name: "licences",
  summary: "print the licences of skiff and of everything inside it",
  flags: [],
  async run(_given, io) {
    io.out(assetText("licences.txt") ?? "skiff runs from its sources: see LICENSE and node_modules/*/LICENSE\n");
    return 0;
  },
};
