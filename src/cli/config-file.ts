import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { messageOf } from "../base/log.ts";
import { type Command, type Flag, type GivenValue, UsageError } from "./command.ts";
import { closest, textsOf } from "./parse.ts";

/**
 * The values of /etc/skiff/config.yaml and of the *.yaml files in the folder beside it (config.yaml.d), in the order of
 * their names. Keys are the long names of flags. A later file replaces a key of an earlier one; with "+" behind it (`tls-san+:`) the
 * values are put behind those that are there, as k3s does.
 * @throws {UsageError} naming the file, the key and what would be right
 */
export function readConfigFiles(
  command: Command,
  file: string,
  { mustExist }: { mustExist: boolean },
): Map<string, GivenValue> {
  const values = new Map<string, GivenValue>();
  const main = readText(file);
  if (main === undefined && mustExist) throw new UsageError(`${file}: there is no such config file`);
  for (const [name, text] of [...(main === undefined ? [] : [[file, main] as const]), ...furtherFiles(`${file}.d`)]) {
    for (const [key, value] of readConfig(command, name, text, values)) values.set(key, value);
  }
  return values;
}

/** The values of one file's text; `before` are those of earlier files, to which it may add. */
export function readConfig(
  command: Command,
  file: string,
  text: string,
  before: ReadonlyMap<string, GivenValue> = new Map(),
): Map<string, GivenValue> {
  let document: unknown;
  try {
    document = parse(text) ?? {};
  } catch (error) {
    throw new UsageError(`${file} is not YAML: ${messageOf(error).split("\n")[0]}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new UsageError(
      `${file}: expected keys and values ("data-dir: /var/lib/skiff"), found ${JSON.stringify(document)}`,
    );
  }
  const values = new Map<string, GivenValue>();
  for (const [written, value] of Object.entries(document)) {
    const adds = written.endsWith("+");
    const flag = flagOf(command, file, adds ? written.slice(0, -1) : written);
    if (adds && !flag.repeatable) throw new UsageError(`${written} in ${file}: takes one value, so none can be added`);
    const given = givenValueFrom(flag, `${written} in ${file}`, value);
    const there = adds ? (values.get(flag.name) ?? before.get(flag.name)) : undefined;
    values.set(flag.name, { ...given, texts: [...(there?.texts ?? []), ...given.texts] });
  }
  return values;
}

function flagOf(command: Command, file: string, key: string): Flag {
  const flag = command.flags.find(({ name, short }) => name === key || short === key);
  if (!flag) {
    const close = closest(
      key,
      command.flags.map(({ name }) => name),
    );
    throw new UsageError(
      `${file}: unknown key ${JSON.stringify(key)}${close ? `, did you mean ${JSON.stringify(close)}?` : `; \`skiff help ${command.name}\` lists the flags, whose names are the keys`}`,
    );
  }
  return flag;
}

function givenValueFrom(flag: Flag, source: string, value: unknown): GivenValue {
  const items = Array.isArray(value) ? value : [value];
  if (Array.isArray(value) && !flag.repeatable) throw new UsageError(`${source}: takes one value, not a list`);
  const texts = items.flatMap((item) => {
    if (item === null || typeof item === "object")
      throw new UsageError(`${source}: expected a plain value, found ${JSON.stringify(item)}`);
    return textsOf(flag, String(item), source);
  });
  return { texts, source };
}

function furtherFiles(folder: string): (readonly [string, string])[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new UsageError(`${folder} cannot be read: ${messageOf(error)}`);
  }
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => [join(folder, name), readText(join(folder, name)) ?? ""]);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UsageError(`${file} cannot be read: ${messageOf(error)}`);
  }
}
