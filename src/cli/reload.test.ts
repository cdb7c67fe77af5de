import { expect, test } from "vitest";
import { type Log, noLog } from "../base/log.ts";
import type { Given } from "./command.ts";
import { server } from "./commands/server.ts";
import { readConfig } from "./config-file.ts";
import { parseArguments } from "./parse.ts";
import { takeUpChanges } from "./reload.ts";
import { serverConfigFrom } from "./server-config.ts";

/** A running server whose config file changes from one text to the next. */
function running(first: string) {
  let yaml = first;
  let taken = "";
  let ask = (): void => {};
  const said: unknown[] = [];
  const log: Log = { ...noLog, info: (_, values) => said.push(values), error: (_, values) => said.push(values) };
  const reread = () => parseArguments(server, [], { env: {}, config: readConfig(server, "config.yaml", yaml) });
  const io = { reread, onReload: (run: () => void) => void (ask = run) };
  const check = (now: Given) => serverConfigFrom(now, "shelf");
  takeUpChanges(server, reread(), { io, log, check }, () => void (taken = yaml));
  return {
    becomes(next: string) {
      yaml = next;
      ask();
      return { said: said.at(-1), taken };
    },
  };
}

test("what can change is taken up, of what cannot it is said when it counts", () => {
  const it = running("node-name: a");
  const now = "{node-name: b, debug: true}";
  expect(it.becomes(now)).toEqual({ said: { takenUp: ["debug"], needRestart: ["node-name"] }, taken: now });
  const tainted = "{node-name: b, debug: true, node-taint: 'a=b:NoSchedule'}";
  expect(it.becomes(tainted)).toEqual({
    said: { takenUp: [], needRestart: [], countWhenTheNodeRegisters: ["node-taint"] },
    taken: now,
  });
  const labelled = "{node-name: b, node-label: ['a=b']}";
  expect(it.becomes(labelled)).toMatchObject({ said: { takenUp: ["node-label", "debug"] }, taken: labelled });
});

test.each<[yaml: string, error: string]>([
  ["nod-name: b", 'config.yaml: unknown key "nod-name", did you mean "node-name"?'],
  ["{debug: true, https-listen-port: 0}", "https-listen-port in config.yaml 0: a port is a number from 1 to 65535"],
])("%s changes nothing", (yaml, error) => {
  expect(running("").becomes(yaml)).toEqual({ said: { error }, taken: "" });
});
