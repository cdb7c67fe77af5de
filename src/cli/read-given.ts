import { type Command, type Given, type GivenValue, UsageError } from "./command.ts";
import { readConfigFiles } from "./config-file.ts";
import { parseArguments } from "./parse.ts";

const defaultConfigFile = "/etc/skiff/config.yaml";

/** What the user gives a command: its arguments, over the environment, over the config files. @throws {UsageError} */
export function readGiven(command: Command, args: readonly string[], env: NodeJS.ProcessEnv): Given {
  const { config, args: left } = configFor(command, args, env);
  return parseArguments(command, left, { env, config });
}

/** The config file's values, and the arguments without `--config`, which says where it is. */
function configFor(
  command: Command,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { config: Map<string, GivenValue>; args: string[] } {
  if (!command.readsConfigFile) return { config: new Map(), args: [...args] };
  let file = env.SKIFF_CONFIG_FILE || undefined; // empty: as if it were not set
  const left: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg.startsWith("--config=")) file = arg.slice("--config=".length);
    else if (arg === "--config" || arg === "-c") file = args[++at] ?? "";
    else left.push(arg);
    if (file === "") throw new UsageError("--config needs a value: --config FILE");
  }
  const config = readConfigFiles(command, file ?? defaultConfigFile, { mustExist: file !== undefined });
  return { config, args: left };
}
