/*
 * A control plane without nodes, with everything in memory: API server, controllers and scheduler, for replaying recordings
 * of what controllers do.
 *
 *   node test/support/run-control-plane.ts --port 7443 [--controller-arg NAME=VALUE …]
 */

import { parseArgs } from "node:util";
import { controllerSettingFrom } from "../../src/app/component-args.ts";
import { accountUser } from "../../src/app/part-users.ts";
import { constant } from "../../src/base/changing.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { openLog } from "../../src/base/log.ts";
import { openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { makeAuthority } from "../../src/cluster/authority.ts";
import { certificateSigner } from "../../src/cluster/sign-request.ts";
import { runControllers } from "../../src/controllers/run.ts";
import { runScheduler } from "../../src/scheduler/run.ts";
import { adminToken, startApiServer } from "./api-server.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, "controller-arg": { type: "string", multiple: true, default: [] } },
});
const log = openLog({ level: "info", write: (line) => process.stderr.write(line) });
const server = await startApiServer({ port: Number(values.port ?? 0), log });
const user = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
const client = openClient(server.transportFor(user), { fieldManager: "skiff" });
const clientFor = (account: string) =>
  openClient(server.transportFor(accountUser(account)), { fieldManager: "kube-controller-manager" });
const informers = openInformers(client, { clock, log });
const authority = await makeAuthority("skiff-test", clock.now());
const options = {
  clusterCidrs: ["10.42.0.0/16"],
  rootCa: constant(authority.cert),
  certificates: certificateSigner(() => authority),
  settings: Object.assign(
    { nodeMonitorGraceMs: 8000, nodeStartupGraceMs: 12_000 },
    ...values["controller-arg"].map((arg) => controllerSettingFrom(arg, { clusterCidrs: [], serviceCidrs: [] })),
  ),
  serviceLoadBalancer: false,
  makeAccountToken: server.makeAccountToken,
};
await runControllers({ clientFor, informers, clock, log, options });
await runScheduler({ client, informers, clock, log });
console.log(`the API answers on ${server.url}; token: ${adminToken.token}`);
