import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { messageOf } from "../../base/log.ts";
import { type Check, ok, problem, warning } from "./check.ts";

const longestMs = 5_000;

/** Whether an agent can get into its cluster. It waits for a server as long as it takes; without a token it waits in vain. */
export const cluster: Check = {
  name: "cluster",
  concerns: (intended) => intended.join !== undefined,
  async look({ join: joining = { server: "", hasToken: false }, dataDirectory }) {
    const { server, hasToken } = joining;
    const isMember = existsSync(join(dataDirectory, "agent/membership.json"));
    if (!hasToken && !isMember)
      return problem(
        "no token",
        "this device is in no cluster yet and has no token: give --token (SKIFF_TOKEN for the installer) what lies in the server's /var/lib/skiff/server/node-token",
      );
    const { hostname, port } = new URL(server);
    const failure = await connectError(hostname.replace(/^\[|\]$/g, ""), Number(port || 443));
    if (failure === undefined) return ok(`${server} answers${isMember ? ", and knows this device" : ""}`);
    return warning(
      `${server} does not answer`,
      `${server} does not answer (${failure}): start the server, or let port ${port || 443} through between these machines; the agent waits for it`,
    );
  },
};

function connectError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: longestMs });
    const finish = (failure?: string) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => finish());
    socket.once("timeout", () => finish(`nothing within ${longestMs / 1000} s`));
    socket.once("error", (error) => finish(messageOf(error)));
  });
}
