import { hostname } from "node:os";
import type { RunOptions } from "../app/server.ts";
import { type LogLevel, openLog } from "../base/log.ts";
import type { Command, CommandIo, Given } from "./command.ts";
import { takeUpChanges } from "./reload.ts";
import { Values } from "./values.ts";

/** What the help says of every service. */
export const aboutServices = {
  foreground:
    "Runs in the foreground until it is asked to stop (SIGTERM or Ctrl-C). Containers go on running when it stops and are taken up again at the next start.",
  configFile: "Every flag may stand in /etc/skiff/config.yaml under its long name; the command line wins.",
};

/** A command that goes on until it is stopped. */
export interface Service<Config> {
  readonly command: Command;
  /** @throws {UsageError} for a value that cannot be right */
  readonly configFrom: (given: Given, machineName: string) => Config;
  readonly run: (config: Config, options: RunOptions<Config>) => Promise<void>;
}

/** Runs it with its log, and with what changes in its configuration meanwhile; the exit code. */
export async function runService<Config>(
  { command, configFrom, run }: Service<Config>,
  given: Given,
  io: CommandIo,
): Promise<number> {
  const read = (now: Given) => configFrom(now, hostname());
  const config = read(given);
  let level = logLevelFrom(given);
  const takers: ((now: Config) => void)[] = [];
  const log = openLog({ level: () => level, write: (line) => io.err(line) });
  takeUpChanges(command, given, { io, log, check: read }, (now) => {
    level = logLevelFrom(now);
    const next = read(now);
    for (const take of takers) take(next);
  });
  await run(config, {
    log,
    stop: io.stop,
    say: (line) => io.out(`${line}\n`),
    onReload: (take) => void takers.push(take),
  });
  return 0;
}

/** How much is written to the log. */
const logLevelFrom = (given: Given): LogLevel => (new Values(given).isOn("debug") ? "debug" : "info");
