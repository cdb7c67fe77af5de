import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { readIfThere, writeWhole } from "../base/files.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { messageOf } from "../base/log.ts";
import { type Client, openClient } from "../client/client.ts";
import { openHttpTransport } from "../client/open-http-transport.ts";
import { nodeToken } from "../cluster/admit-node.ts";
import {
  type BootstrapToken,
  createBootstrapToken,
  deleteBootstrapToken,
  generateBootstrapToken,
  listBootstrapTokens,
} from "../cluster/bootstrap-tokens.ts";
import { releaseName } from "../cluster/node-keys.ts";
import { readKubeconfig } from "../cluster/read-kubeconfig.ts";
import { caHashOf, parseToken, tokenText } from "../cluster/token.ts";

export { type BootstrapToken, generateBootstrapToken, parseToken };

/** The parts of the command line that a running cluster is asked for with the administrator's kubeconfig. */
export interface TokenDesk {
  /** The token in its secure form. */
  create(token: BootstrapToken): Promise<string>;
  list(): Promise<BootstrapToken[]>;
  /** @throws {StatusError} NotFound */
  delete(id: string): Promise<void>;
  /** Lets the next device with a valid token have the node's name. False when no device had it. */
  readmit(nodeName: string): Promise<boolean>;
}

/** Runs `work` with the cluster of a kubeconfig. @throws {CannotStart} when it does not answer */
export async function withTokens<T>(kubeconfig: string, work: (desk: TokenDesk) => Promise<T>): Promise<T> {
  const { server, ca, cert, key } = await readKubeconfig(kubeconfig).catch((error: unknown) => {
    throw new CannotStart(`${kubeconfig} cannot be used: ${messageOf(error)}; run this on a server, as root`);
  });
  await using transport = openHttpTransport({ server, ca, credentials: () => ({ cert, key }), clock: systemClock });
  return await work(deskOf(openClient(transport, { fieldManager: "skiff" }), ca));
}

function deskOf(client: Client, ca: string): TokenDesk {
  return {
    async create(token) {
      await createBootstrapToken(client, token);
      return tokenText({ caHash: caHashOf(ca), user: token.id, secret: token.secret });
    },
    list: () => listBootstrapTokens(client),
    delete: (id) => deleteBootstrapToken(client, id),
    readmit: (nodeName) => releaseName(client, nodeName),
  };
}

/** Replaces the secret in the server's node token; it counts at once. The new token. */
export async function rotateNodeToken(dataDirectory: string, secret: string): Promise<string> {
  const file = join(dataDirectory, "server", nodeToken);
  const text = await readIfThere(file);
  if (text === undefined) throw new CannotStart(`${file} is not there: run this on a server, or name its --data-dir`);
  const token = tokenText({ ...parseToken(text.trim()), secret });
  await writeWhole(file, `${token}\n`);
  return token;
}

/** The server's token, as it lies on its disk. */
export async function readNodeToken(dataDirectory: string): Promise<string> {
  return (await readFile(join(dataDirectory, "server", nodeToken), "utf8")).trim();
}
