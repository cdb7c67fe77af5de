import { afterAll, beforeAll } from "vitest";
import { namespace } from "../../src/api/kinds/core/namespace.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openClient } from "../../src/client/client.ts";
import { openHttpTransport } from "../../src/client/open-http-transport.ts";
import { transportContract } from "../../src/client/testing/contract.ts";
import type { Transport } from "../../src/client/transport.ts";
import { issueLeaf, makeAuthority } from "../../src/cluster/authority.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";

let server: ApiServer;
let ca: string;
let serial = 0;

beforeAll(async () => {
  const now = systemClock.now();
  const authority = await makeAuthority("transports-test", now);
  const sans = ["127.0.0.1", "localhost"];
  const leaf = await issueLeaf(authority, { commonName: "kube-apiserver", usage: "server", sans }, { nowMs: now });
  ca = authority.cert;
  server = await startApiServer({ tls: { key: leaf.key, cert: leaf.cert, clientCa: ca } });
});
afterAll(() => server[Symbol.asyncDispose]());

async function inNamespaceOfItsOwn(transport: Transport, close: () => Promise<void> = async () => {}) {
  const name = `contract-${serial++}`;
  await openClient(transport, { fieldManager: "test" }).create(namespace, { metadata: { name }, spec: {} });
  return { transport, namespace: name, [Symbol.asyncDispose]: close };
}

transportContract("the transport in process", () =>
  inNamespaceOfItsOwn(server.transportFor({ name: "admin", groups: ["system:masters"] } as never)),
);

transportContract("the transport over HTTPS", () => {
  const transport = openHttpTransport({
    server: `https://127.0.0.1:${server.port}`,
    ca,
    credentials: () => ({ token: adminToken.token }),
    clock: systemClock,
  });
  return inNamespaceOfItsOwn(transport, async () => transport[Symbol.asyncDispose]());
});
