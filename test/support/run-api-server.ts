/*
 * An API server alone, with everything in memory, for trying things out:
 *
 *   node test/support/run-api-server.ts --port 7443 --token-auth-file users.csv
 *   kubectl --server https://127.0.0.1:7443 --token admin-token --insecure-skip-tls-verify get namespaces
 */
import { parseArgs } from "node:util";
import { openLog } from "../../src/base/log.ts";
import { adminToken, startApiServer, staticTokensFrom } from "./api-server.ts";

const { values } = parseArgs({ options: { port: { type: "string" }, "token-auth-file": { type: "string" } } });

const file = values["token-auth-file"];
const server = await startApiServer({
  port: Number(values.port ?? 0),
  staticTokens: file ? staticTokensFrom(file) : [adminToken],
  log: openLog({ level: "info", write: (line) => process.stderr.write(line) }),
});
console.log(`the API answers on ${server.url}`);
