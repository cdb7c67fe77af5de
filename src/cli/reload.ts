import { isDeepStrictEqual } from "node:util";
import { type Log, messageOf } from "../base/log.ts";
import type { Command, CommandIo, Given } from "./command.ts";

/** A flag whose change is taken up while the process runs. */
export interface LiveFlag {
  readonly flag: string;
  take(now: Given): void;
}

interface Surroundings {
  readonly io: Pick<CommandIo, "onReload" | "reread">;
  readonly log: Log;
  /** Throws when the new values cannot be right. */
  readonly check: (now: Given) => void;
}

/**
 * Reads the configuration again whenever that is asked for. A change of a live flag is taken up; of any other it is said that it
 * needs a restart. A configuration that cannot be right changes nothing.
 */
export function takeUpChanges(
  command: Command,
  atStart: Given,
  { io, log, check }: Surroundings,
  live: readonly LiveFlag[],
): void {
  let before = atStart;
  io.onReload(() => {
    let now: Given;
    try {
      now = io.reread();
      check(now);
    } catch (error) {
      log.error("the configuration was read again and is not taken up", { error: messageOf(error) });
      return;
    }
    const changed = command.flags.filter(({ name }) => !isDeepStrictEqual(textsOf(before, name), textsOf(now, name)));
    before = now;
    for (const { name } of changed) live.find(({ flag }) => flag === name)?.take(now);
    const names = (isLive: boolean) =>
      changed.map(({ name }) => name).filter((name) => live.some(({ flag }) => flag === name) === isLive);
    log.info("the configuration was read again", { takenUp: names(true), needRestart: names(false) });
  });
}

const textsOf = (given: Given, name: string): readonly string[] => given.values.get(name)?.texts ?? [];
