import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { builtinKinds } from "../../src/api/kinds/all.ts";
import type { StaticToken } from "../../src/apiserver/authenticate/authenticator.ts";
import { type ApiServer, type ApiServerOptions, serveApi } from "../../src/apiserver/serve.ts";
import { systemClock } from "../../src/base/clock.ts";
import { noLog } from "../../src/base/log.ts";
import { issueLeaf, makeAuthority } from "../../src/cluster/authority.ts";
import { openStore } from "../../src/store/open.ts";

export interface TestApiServerOptions extends Partial<ApiServerOptions> {
  readonly port?: number;
}

/** A token of the superuser, for servers that are started without tokens of their own. */
export const adminToken: StaticToken = {
  token: "admin-token",
  user: "admin",
  uid: "u-admin",
  groups: ["system:masters"],
};

/** The tokens of a file with lines of: token,user,uid,"group1,group2". */
export function staticTokensFrom(file: string): StaticToken[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [, token = "", user = "", uid = "", groups = ""] =
        /^([^,]*),([^,]*),([^,]*)(?:,"?([^"]*)"?)?$/.exec(line) ?? [];
      return { token, user, uid, groups: groups.split(",").filter(Boolean) };
    });
}

/** The keys and certificates of the servers in this process, made once: that takes longer than starting a server. */
export const material = lazily(async () => {
  const now = systemClock.now();
  const authority = await makeAuthority("skiff-test", now);
  const sans = ["127.0.0.1", "localhost"];
  const leaf = await issueLeaf(authority, { commonName: "kube-apiserver", usage: "server", sans }, { nowMs: now });
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const issuer = "https://kubernetes.default.svc.cluster.local";
  return {
    tls: { key: leaf.key, cert: leaf.cert, clientCa: authority.cert },
    serviceAccounts: { issuer, audiences: [issuer], signingKey: privateKey, verifyingKeys: [publicKey] },
  };
});

/** An API server in this process, with everything in memory. */
export async function startApiServer({ port = 0, ...options }: TestApiServerOptions = {}): Promise<ApiServer> {
  const store = options.store ?? (await openStore({ kind: "memory" }, { clock: systemClock, log: noLog }));
  const server = await serveApi({
    ...(await material()),
    store,
    kinds: builtinKinds,
    clock: systemClock,
    log: noLog,
    listen: { address: "127.0.0.1", port },
    staticTokens: [adminToken],
    anonymous: true,
    serviceCidrs: ["10.43.0.0/16"],
    nodePorts: { from: 30000, to: 32767 },
    advertiseAddress: "192.0.2.10",
    advertisePort: 17443,
    nodes: {
      has: () => false,
      open: (node) => Promise.reject(new Error(`there is no node ${node} here`)),
    },
    version: {
      major: "1",
      minor: "36",
      emulationMajor: "1",
      emulationMinor: "36",
      minCompatibilityMajor: "1",
      minCompatibilityMinor: "35",
      gitVersion: "v1.36.2+skiff1",
      gitCommit: "",
      gitTreeState: "clean",
      buildDate: new Date(systemClock.now()).toISOString(),
      goVersion: "",
      compiler: "",
      platform: "linux/amd64",
    },
    ...options,
  });
  const dispose = server[Symbol.asyncDispose].bind(server);
  server[Symbol.asyncDispose] = async () => {
    await dispose();
    if (!options.store) await store[Symbol.asyncDispose]();
  };
  return server;
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
