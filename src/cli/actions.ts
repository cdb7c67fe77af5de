import { type Command, type CommandIo, type Given, UsageError } from "./command.ts";
import { Values } from "./values.ts";

/** What one of a command's actions gets: the operands behind its name, the flags, and where to write. */
export interface ActionCall {
  readonly operands: readonly string[];
  readonly values: Values;
  readonly io: CommandIo;
}

/** The actions of a command by name; the result is the exit code. */
export type Actions = Readonly<Record<string, (call: ActionCall) => Promise<number> | number>>;

/**
 * Makes the `run` of a command whose first operand says what to do.
 * @throws {UsageError} that names the actions there are
 */
export function runAction(command: string, actions: Actions): Command["run"] {
  return async (given: Given, io: CommandIo): Promise<number> => {
    const [name = "", ...operands] = given.operands;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action) {
      const known = Object.keys(actions).join(", ");
      throw new UsageError(`skiff ${command} ${name || "what"}: choose one of ${known}; see \`skiff help ${command}\``);
    }
    return action({ operands, values: new Values(given), io });
  };
}
