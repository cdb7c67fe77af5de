import { installationFile, installationFiles } from "../../app/installation-files.ts";
import { type Command, UsageError } from "../command.ts";

/** For the installer: the units and scripts that belong to this version. */
export const files: Command = {
  name: "files",
  summary: "print a file that belongs to an installation: a systemd unit, or a script that removes skiff",
  about: [`The files are ${installationFiles.join(", ")}.`],
  flags: [],
  operands: "FILE",
  examples: [{ line: "skiff files skiff.service", does: "the unit of a server" }],
  async run({ operands }, io) {
    const name = installationFiles.find((file) => file === operands[0]);
    if (!name || operands.length > 1)
      throw new UsageError(
        `say which file: one of ${installationFiles.join(", ")}, such as \`skiff files skiff.service\``,
      );
    io.out(installationFile(name));
    return 0;
  },
};
