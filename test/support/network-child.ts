/** Runs a node's network in the network namespace it is started in, fed by the process that started it. */
import { systemClock } from "../../src/base/clock.ts";
import { openLog } from "../../src/base/log.ts";
import { openNetwork } from "../../src/network/open.ts";
import { removeEverything } from "../../src/network/remove.ts";
import { fedInformers } from "../../src/network/testing/fed-informers.ts";
import type { ChildCall, ChildOptions } from "./network-namespace.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ChildOptions;
const informers = fedInformers();
for (const [plural, object] of options.objects) informers.put(plural, object);

const network = await openNetwork({
  ...options,
  informers,
  clock: systemClock,
  log: openLog({ level: "info", write: (line) => process.stderr.write(line) }),
});

const calls: { [name in ChildCall["name"]]: (...args: never[]) => unknown } = {
  put: (plural: string, object: never) => informers.put(plural, object),
  remove: (plural: string, key: { namespace?: string; name: string }) => informers.remove(plural, key),
  attach: (pod: Parameters<typeof network.attach>[0]) => network.attach(pod, AbortSignal.timeout(60_000)),
  detach: (uid: string) => network.detach(uid),
  keepOnly: (uids: string[]) => network.keepOnly(new Set(uids)),
  annotations: () => network.annotations,
  settled: () => network.settled(),
  stop: () => network[Symbol.asyncDispose](),
  removeEverything: () => removeEverything(systemClock),
};

process.on("message", async ({ id, name, args }: ChildCall) => {
  try {
    process.send?.({ id, result: await calls[name](...(args as never[])) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
process.send?.({ id: 0 });
