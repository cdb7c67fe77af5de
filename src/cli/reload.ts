import { isDeepStrictEqual } from "node:util";
import { type Log, messageOf } from "../base/log.ts";
import type { Command, CommandIo, Flag, Given } from "./command.ts";

interface Surroundings {
  readonly io: Pick<CommandIo, "onReload" | "reread">;
  readonly log: Log;
  /** Throws when the new values cannot be right. */
  readonly check: (now: Given) => void;
}

/**
 * Reads the configuration again whenever that is asked for, and hands it to `take` when a flag changed that is taken up at once.
 * Of any other it is said when it will count. A configuration that cannot be right changes nothing.
 */
export function takeUpChanges(
  command: Command,
  atStart: Given,
  { io, log, check }: Surroundings,
  take: (now: Given) => void,
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
    const of = (takenUp: Flag["takenUp"]) => changed.filter((flag) => flag.takenUp === takenUp).map(({ name }) => name);
    if (of("at once").length > 0) take(now);
    const late = of("when the node registers");
    log.info("the configuration was read again", {
      takenUp: of("at once"),
      needRestart: of(undefined),
      ...(late.length > 0 && { countWhenTheNodeRegisters: late }),
    });
  });
}

const textsOf = (given: Given, name: string): readonly string[] => given.values.get(name)?.texts ?? [];
