import type { Command, Flag } from "./command.ts";

/** The text of `skiff help`. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "skiff: Kubernetes for small devices",
    "",
    "Usage: skiff COMMAND [FLAGS]",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "`skiff help COMMAND` says more about one of them.",
    "",
  ].join("\n");
}

/** The text of `skiff help COMMAND`. */
export function helpOf(command: Command): string {
  const parts = [`Usage: ${usageLine(command)}`, "", command.summary];
  for (const paragraph of command.about ?? []) parts.push("", paragraph);
  if (command.flags.length > 0) {
    const rows = command.flags.map((flag) => [flagText(flag), flagAbout(flag)] as const);
    const width = Math.max(...rows.map(([text]) => text.length));
    parts.push("", "Flags:", ...rows.map(([text, about]) => `  ${text.padEnd(width)}  ${about}`));
  }
  if (command.examples) {
    parts.push("", "Examples:", ...command.examples.flatMap(({ line, does }) => [`  # ${does}`, `  ${line}`]));
  }
  return [...parts, ""].join("\n");
}

export function usageLine({ name, flags, operands }: Command): string {
  return ["skiff", name, ...(flags.length > 0 ? ["[FLAGS]"] : []), ...(operands ? [operands] : [])].join(" ");
}

export function flagText({ name, short, value }: Flag): string {
  return `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
}

export function flagAbout({ does, defaultText, env, repeatable, takenUp }: Flag): string {
  const notes = [
    ...(repeatable ? ["may be repeated"] : []),
    ...(defaultText ? [`default: ${defaultText}`] : []),
    ...(takenUp === "at once" ? ["a change is taken up by a reload"] : []),
    ...(env ? [`environment: ${env}`] : []),
  ];
  return notes.length > 0 ? `${does} (${notes.join("; ")})` : does;
}
