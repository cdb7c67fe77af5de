/** Writes docs/cli.md from the command table; with --check only says whether it is up to date. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { commands } from "../src/cli/commands/all.ts";
import { flagAbout, flagText, usageLine } from "../src/cli/help.ts";

const file = resolve(import.meta.dirname, "../docs/cli.md");
const cell = (text: string) => text.replaceAll("|", "\\|");

const parts = ["# The command line", "", "Made from the command table by `npm run make-cli-docs`.", ""];
for (const command of commands) {
  parts.push(
    `## skiff ${command.name}`,
    "",
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    "",
    "```",
    usageLine(command),
    "```",
    "",
  );
  for (const paragraph of command.about ?? []) parts.push(paragraph, "");
  if (command.flags.length > 0) {
    parts.push("| flag | meaning |", "| --- | --- |");
    for (const flag of command.flags) parts.push(`| \`${cell(flagText(flag))}\` | ${cell(flagAbout(flag))} |`);
    parts.push("");
  }
  for (const { line, does } of command.examples ?? []) parts.push(`- ${does}: \`${line}\``);
  if (command.examples) parts.push("");
}
parts.push(
  "## skiff help, skiff --version",
  "",
  "`skiff help COMMAND` says what this page says; `skiff --version` prints the version.",
  "",
);
const text = parts.join("\n");

if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== text) {
    console.error("docs/cli.md is not what the command table says: run `npm run make-cli-docs`");
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
}
