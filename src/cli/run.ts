import { skiffVersion } from "../app/version.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { messageOf } from "../base/log.ts";
import { type Command, type Io, UsageError } from "./command.ts";
import { commands } from "./commands/all.ts";
import { helpOf, overview } from "./help.ts";
import { closest } from "./parse.ts";
import { readGiven } from "./read-given.ts";

/** Runs what the arguments (without the program's name) ask for; resolves with the exit code. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  try {
    const [word = "help", ...rest] = args;
    if (["--version", "-v", "version"].includes(word)) return print(io, `skiff ${skiffVersion}\n`);
    if (["help", "--help", "-h"].includes(word))
      return print(io, rest[0] ? helpOf(findCommand(rest[0])) : overview(commands));
    const command = findCommand(word);
    if (!command.passThrough && rest.some((arg) => arg === "--help" || arg === "-h")) return print(io, helpOf(command));
    const reread = () => readGiven(command, rest, io.env);
    return await command.run(reread(), { ...io, reread });
  } catch (error) {
    io.err(`skiff: ${error instanceof CannotStart ? error.message : messageOf(error)}\n`);
    // What the user can put right is said in one line; anything else is a fault of skiff's, whose place is worth knowing.
    if (!(error instanceof UsageError || error instanceof CannotStart) && io.env.SKIFF_DEBUG)
      io.err(`${(error as Error).stack}\n`);
    return error instanceof UsageError ? error.exitCode : 1;
  }
}

function print(io: Io, text: string): number {
  io.out(text);
  return 0;
}

function findCommand(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command) return command;
  const close = closest(
    name,
    commands.map((candidate) => candidate.name),
  );
  throw new UsageError(
    `unknown command ${JSON.stringify(name)}${close ? `, did you mean \`skiff ${close}\`?` : ": `skiff help` lists the commands"}`,
  );
}
