import { hostname } from "node:os";
import { type Intended, inspectDevice, intendedAgent, intendedServer, type Row } from "../../app/inspect-device.ts";
import { type Command, UsageError } from "../command.ts";
import { helpOf } from "../help.ts";
import { readGiven } from "../read-given.ts";
import { serverConfigFrom } from "../server-config.ts";
import { agent, joinConfigFrom } from "./agent.ts";
import { server } from "./server.ts";

/** Looks at this device before skiff is to run on it; the installer asks the same. */
export const check: Command = {
  name: "check",
  summary: "inspect this device and say what to do so that skiff runs well",
  about: [
    "Looks at programs, kernel, cgroups, Docker, ports, network, disk, memory and clock, and prints a table. Give the flags that `skiff server` or `skiff agent` is to run with; the config files are read as it reads them.",
    "Exit code 1 when something keeps skiff from working. With --brief, one sentence for each such thing, and nothing else.",
  ],
  flags: [],
  operands: "[--brief] [server|agent] [FLAGS]",
  passThrough: true,
  examples: [
    { line: "skiff check", does: "the table for a server with its usual settings" },
    { line: "skiff check server --https-listen-port 7443", does: "the same, for these flags" },
  ],
  async run({ operands }, io) {
    if (operands.some((operand) => operand === "--help" || operand === "-h")) {
      io.out(helpOf(check));
      return 0;
    }
    const brief = operands[0] === "--brief";
    const rows = await inspectDevice(intendedFrom(brief ? operands.slice(1) : operands, io.env), { slow: !brief });
    const problems = rows.filter(({ state }) => state === "problem");
    io.out(brief ? problems.map(({ todo }) => `${todo}\n`).join("") : tableOf(rows));
    return problems.length > 0 ? 1 : 0;
  },
};

function intendedFrom(operands: readonly string[], env: NodeJS.ProcessEnv): Intended {
  const [word = ""] = operands;
  const args = word === "server" || word === "agent" ? operands.slice(1) : operands;
  if (args[0] !== undefined && !args[0].startsWith("-"))
    throw new UsageError(
      `unexpected argument ${JSON.stringify(args[0])}: write \`skiff check [server|agent] [FLAGS]\``,
    );
  return word === "agent"
    ? intendedAgent(joinConfigFrom(readGiven(agent, args, env), hostname()))
    : intendedServer(serverConfigFrom(readGiven(server, args, env), hostname()));
}

const marks: Record<Row["state"], string> = { ok: "ok", warning: "warning", problem: "PROBLEM" };

/** The table, and below it a line for each thing to do. */
export function tableOf(rows: readonly Row[]): string {
  const widthOf = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
  const name = widthOf(rows.map((row) => row.name));
  const state = widthOf(rows.map((row) => marks[row.state]));
  const lines = rows.map((row) => `${row.name.padEnd(name)}  ${marks[row.state].padEnd(state)}  ${row.found}`);
  const todos = rows.flatMap(({ name: about, todo }) => (todo === undefined ? [] : [`- ${about}: ${todo}`]));
  return `${[...lines, ...(todos.length > 0 ? ["", "What to do:", ...todos] : ["", "All is well."])].join("\n")}\n`;
}
