import { expect, test } from "vitest";
import { type Log, noLog } from "../base/log.ts";
import { logLevelFrom, server, serverConfigFrom } from "./commands/server.ts";
import { readConfig } from "./config-file.ts";
import { parseArguments } from "./parse.ts";
import { takeUpChanges } from "./reload.ts";

/** A running server whose config file changes from one text to the next. */
function running(first: string) {
  let yaml = first;
  let level = "info";
  let ask = (): void => {};
  const said: unknown[] = [];
  const log: Log = { ...noLog, info: (_, values) => said.push(values), error: (_, values) => said.push(values) };
  const reread = () => parseArguments(server, [], { env: {}, config: readConfig(server, "config.yaml", yaml) });
  const io = { reread, onReload: (run: () => void) => void (ask = run) };
  takeUpChanges(server, reread(), { io, log, check: (now) => serverConfigFrom(now, "shelf") }, [
    { flag: "debug", take: (now) => void (level = logLevelFrom(now)) },
  ]);
  return {
    becomes(next: string) {
      yaml = next;
      ask();
      return { said: said.at(-1), level };
    },
  };
}

test("what can change is taken up, what cannot is named", () => {
  const it = running("node-name: a");
  expect(it.becomes("{node-name: b, debug: true}")).toEqual({
    said: { takenUp: ["debug"], needRestart: ["node-name"] },
    level: "debug",
  });
  expect(it.becomes("{node-name: b}")).toEqual({ said: { takenUp: ["debug"], needRestart: [] }, level: "info" });
});

test.each<[yaml: string, error: string]>([
  ["nod-name: b", 'config.yaml: unknown key "nod-name", did you mean "node-name"?'],
  ["{debug: true, https-listen-port: 0}", "https-listen-port in config.yaml 0: a port is a number from 1 to 65535"],
])("%s changes nothing", (yaml, error) => {
  expect(running("").becomes(yaml)).toEqual({ said: { error }, level: "info" });
});
