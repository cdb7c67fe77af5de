import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { certificatesIn } from "./authority.ts";
import { openCredentials, rotateAuthorities } from "./credentials.ts";

const dayMs = 24 * 60 * 60 * 1000;
const nowMs = Date.now();
let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "skiff-credentials-"))));
afterEach(() => rm(directory, { recursive: true }));
const open = (given: Partial<Parameters<typeof openCredentials>[0]> = {}) =>
  openCredentials({ directory, nodeName: "n1", sans: ["localhost", "127.0.0.1", "::1"], nowMs, ...given });

describe("openCredentials()", () => {
  test("gives the same credentials at every start", async () => {
    const first = await open();
    expect(await open()).toEqual(first);
  });

  test("keeps every private key readable by its owner only", async () => {
    await open();
    for (const name of ["server-ca.key", "client-admin.key", "service.key"]) {
      expect((await stat(join(directory, "tls", name))).mode & 0o777).toBe(0o600);
    }
  });

  test("names the user and the groups of a client, and the addresses of the server", async () => {
    const { admin, node, serving, clientCa, serverCa } = await open();
    expect(new X509Certificate(admin.cert).subject).toBe("O=system:masters\nCN=system:admin");
    expect(new X509Certificate(node.cert).subject).toBe("O=system:nodes\nCN=system:node:n1");
    expect(new X509Certificate(admin.cert).verify(new X509Certificate(clientCa.cert).publicKey)).toBe(true);
    const shown = new X509Certificate(serving.cert);
    expect(shown.verify(new X509Certificate(serverCa.cert).publicKey)).toBe(true);
    expect([shown.checkHost("localhost"), shown.checkIP("127.0.0.1"), shown.checkIP("::1")]).toEqual([
      "localhost",
      "127.0.0.1",
      "::1",
    ]);
  });

  test.each<[what: string, later: Parameters<typeof open>[0], renewed: boolean]>([
    ["an address is new", { sans: ["localhost", "192.0.2.7"] }, true],
    ["an address is no longer used", { sans: ["localhost"] }, false],
    ["it is close to its end", { nowMs: nowMs + 300 * dayMs }, true],
  ])("the serving certificate is made anew only when needed: %s", async (_, later, renewed) => {
    const { serving, serverCa } = await open();
    const after = await open(later);
    expect(after.serving.cert !== serving.cert).toBe(renewed);
    expect(after.serverCa).toEqual(serverCa);
  });

  test("a half-written pair is made anew", async () => {
    const { admin } = await open();
    await rm(join(directory, "tls", "client-admin.crt"));
    expect((await open()).admin.cert).not.toBe(admin.cert);
  });

  test("the node token pins the server CA and keeps the secret that was given", async () => {
    const { nodeToken } = await open({ token: "my-secret" });
    expect(nodeToken).toMatch(/^K10[0-9a-f]{64}::server:my-secret$/);
    expect((await readFile(join(directory, "node-token"), "utf8")).trim()).toBe(nodeToken);
    expect((await open()).nodeToken).toBe(nodeToken);
  });

  test("authorities that were replaced stay believed, the newest few, and each leads to the next", async () => {
    const began = await open();
    for (let n = 1; n <= 6; n++) await rotateAuthorities(directory, nowMs + n);
    const now = await open();
    expect(now.serverCa.cert).not.toBe(began.serverCa.cert);
    for (const bundle of [now.serverCas, now.clientCas, now.requestHeaderCas])
      expect(certificatesIn(bundle)).toHaveLength(1 + 4);
    const [leaf = "", ...crosses] = certificatesIn(now.serving.cert);
    const [newest, ...former] = certificatesIn(now.serverCas);
    expect(new X509Certificate(leaf).checkIssued(new X509Certificate(newest ?? ""))).toBe(true);
    for (const [i, cross] of crosses.entries())
      expect(new X509Certificate(cross).verify(new X509Certificate(former[i] ?? "").publicKey)).toBe(true);
  });

  test("leaves of a short life are made anew when a quarter of it is left", async () => {
    const leafLifetimeMs = 40_000;
    const { serving } = await open({ leafLifetimeMs });
    expect((await open({ leafLifetimeMs, nowMs: nowMs + 29_000 })).serving).toEqual(serving);
    expect((await open({ leafLifetimeMs, nowMs: nowMs + 31_000 })).serving).not.toEqual(serving);
  });
});
