/** A command of the `skiff` executable. Help, docs/cli.md and the config file's keys are made from these entries. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Further paragraphs for `skiff help NAME`. */
  readonly about?: readonly string[];
  readonly flags: readonly Flag[];
  /** What follows the flags: "FILE…". Absent: nothing may follow. */
  readonly operands?: string;
  /** Whether everything behind the name is handed over as it is (for commands that wrap another program). */
  readonly passThrough?: boolean;
  /** Whether the flags may also stand in the config file. */
  readonly readsConfigFile?: boolean;
  readonly examples?: readonly { readonly line: string; readonly does: string }[];
  /** Runs the command; the result is the exit code. @throws {UsageError} for what the user can put right */
  run(given: Given, io: CommandIo): Promise<number>;
}

export interface Flag {
  /** Without dashes: "data-dir". The same word is the key in the config file. */
  readonly name: string;
  readonly short?: string;
  /** What the value is called in the help ("DIR"). Absent: the flag is a switch. */
  readonly value?: string;
  readonly does: string;
  /** In words or as it is: only shown. */
  readonly defaultText?: string;
  /** The environment variable that gives the value when the command line does not. */
  readonly env?: string;
  /** May be given several times, or as a list with commas. */
  readonly repeatable?: boolean;
  /** When a change of it counts while the process runs and is asked to read its configuration again. Absent: after a restart. */
  readonly takenUp?: "at once" | "when the node registers";
  /** Whether commas belong to the value: a list is then given by repeating the flag only. */
  readonly keepsCommas?: boolean;
}

/** What the user gave: flag values by name, with where each came from for error texts; and the operands. */
export interface Given {
  readonly values: ReadonlyMap<string, GivenValue>;
  readonly operands: readonly string[];
}

export interface GivenValue {
  /** One text a value; switches have "true" or "false". */
  readonly texts: readonly string[];
  /** "--data-dir", "SKIFF_TOKEN", or "data-dir in /etc/skiff/config.yaml". */
  readonly source: string;
}

export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Aborted when the user or the system asks the process to stop. */
  readonly stop: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** `run` is called whenever the user or the system asks to read the configuration again (SIGHUP). */
  onReload(run: () => void): void;
}

export interface CommandIo extends Io {
  /** Reads the config files again, under the same environment and command line. @throws {UsageError} as at the start */
  reread(): Given;
}

/** Something the user can put right: printed as one line, exit code 2 (or as given). */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode: number;
  constructor(message: string, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}
