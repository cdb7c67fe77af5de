import { createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster, nodeTokenOf, startAgent, untilReady } from "../support/agent.ts";
import { skiffProgram } from "../support/cluster.ts";
import { loadImages } from "../support/images.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
let two: Machine;
let agent: Agent;

beforeAll(async () => {
  two = await on.lan.machine("two");
  await loadImages(two, ["busybox:1"]);
  agent = await joinCluster(two, on.cluster);
});
afterAll(() => agent?.[Symbol.asyncDispose]());

const skiff = (machine: Machine, ...args: string[]) =>
  machine.must(skiffProgram[0], [...skiffProgram.slice(1), ...args]);

test("a device joins with one line and runs pods that kubectl reaches through the tunnel", async () => {
  expect(agent.output()).toMatch(/node two is Ready after [\d.]+ s/);
  expect(await kubectl("get", "nodes")).toMatch(/two +Ready +<none>/);
  const overrides = JSON.stringify({ spec: { nodeName: "two" } });
  const serve = "echo started; mkdir /www; echo from two > /www/index.html; exec httpd -f -p 8080 -h /www";
  await kubectl("run", "away", "--image=busybox:1", `--overrides=${overrides}`, "--", "sh", "-c", serve);
  await kubectl("wait", "--for=condition=Ready", "pod/away", "--timeout=60s");
  expect(await kubectl("logs", "away")).toBe("started\n");
  expect(await kubectl("exec", "away", "--", "hostname")).toBe("away\n");
  expect(await kubectl("get", "--raw", "/api/v1/namespaces/default/pods/away:8080/proxy/")).toBe("from two\n");
  expect(JSON.parse(await kubectl("get", "--raw", "/api/v1/nodes/two/proxy/stats/summary")).node.nodeName).toBe("two");
  // The agent listens nowhere: what reaches it comes through the connection that it opened.
  const listening = await two.must("ss", ["-Hltn"]);
  expect(listening).not.toMatch(/:10250|:6443/);
  await kubectl("delete", "pod", "away", "--grace-period=1");
});

test("a restart needs no token, and another address is the same device", async () => {
  await agent.stop();
  const other = await startAgent(two, on.cluster, { token: "not-the-token", flags: ["--node-ip", two.address] });
  await untilReady(on.cluster, "two", other);
  await other.stop();
  agent.start();
  await untilReady(on.cluster, "two", agent);
});

describe("a device is refused", () => {
  const refused = async (token: string, flags: string[] = ["--data-dir", "/run/other", "--node-name", "three"]) => {
    const given = await startAgent(two, on.cluster, { token, flags });
    expect(await given.ended).toBe(1);
    return given.output();
  };

  test("with a wrong token", async () => {
    const token = (await nodeTokenOf(on.cluster)).replace(/server:.*/, "server:wrong");
    expect(await refused(token)).toMatch(/refuses this device: the token is not valid here: .*`skiff token create`/);
  });

  test("with another device's name, until it is readmitted", async () => {
    const token = await nodeTokenOf(on.cluster);
    const flags = ["--data-dir", "/run/impostor", "--node-name", "two"];
    expect(await refused(token, flags)).toMatch(/another device is node "two" already.*`skiff node readmit two`/);
    const server = ["--data-dir", "/run/impostor", "--node-name", "one"];
    expect(await refused(token, server)).toContain('another device is node "one" already');
    await agent.stop();
    expect(await skiff(on.machine, "node", "readmit", "two")).toContain("may be node two");
    const fresh = await startAgent(two, on.cluster, { token, flags });
    await untilReady(on.cluster, "two", fresh);
    await fresh.stop();
    // Now the first key is the stranger's; its certificate is of use until it ends, its name is another's.
    await skiff(on.machine, "node", "readmit", "two");
    agent.start();
    await untilReady(on.cluster, "two", agent);
  });

  test("by whoever pretends to be the server: nothing of the secret is sent", async () => {
    const received: Buffer[] = [];
    const keys = await skiffCertificate(on.machine);
    const impostor = createServer(keys, (socket) => {
      socket.on("data", (part) => {
        received.push(part);
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${keys.cert.length}\r\n\r\n${keys.cert}`);
      });
      socket.on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => impostor.listen(0, on.lan.hostAddress, resolve));
    const { port } = impostor.address() as { port: number };
    const given = await startAgent(two, on.cluster, {
      server: `https://${on.lan.hostAddress}:${port}`,
      flags: ["--data-dir", "/run/lured", "--node-name", "lured"],
    });
    expect(await given.ended).toBe(1);
    expect(given.output()).toContain("is not the server that made this token");
    expect(Buffer.concat(received).toString()).toMatch(/^GET \/cacerts HTTP\/1.1\r\n/);
    expect(Buffer.concat(received).toString()).not.toMatch(/authorization|server:/i);
    await new Promise((resolve) => impostor.close(resolve));
  });
});

describe("tokens", () => {
  test("one that was created lets a device in until it is deleted or its time is over", async () => {
    const created = (
      await skiff(on.machine, "token", "create", "--ttl", "1h", "--description", "the new shelf")
    ).trim();
    expect(created).toMatch(/^K10[0-9a-f]{64}::[a-z0-9]{6}\.[a-z0-9]{16}$/);
    const id = /::(\w{6})\./.exec(created)?.[1] ?? "";
    expect(await skiff(on.machine, "token", "list")).toMatch(new RegExp(`${id} +\\S+ +valid +the new shelf`));
    // One agent at a time: a machine has one network.
    await agent.stop();
    const flags = ["--data-dir", "/run/boot", "--node-name", "boot"];
    const joined = await startAgent(two, on.cluster, { token: created, flags });
    await untilReady(on.cluster, "boot", joined);
    await joined.stop();
    await skiff(on.machine, "token", "delete", id);
    expect(await skiff(on.machine, "token", "list")).not.toContain(id);
    const late = await startAgent(two, on.cluster, {
      token: created,
      flags: ["--data-dir", "/run/late", "--node-name", "late"],
    });
    expect(await late.ended).toBe(1);
    const over = (await skiff(on.machine, "token", "create", "--ttl", "0s")).trim();
    const tooLate = await startAgent(two, on.cluster, {
      token: over,
      flags: ["--data-dir", "/run/late", "--node-name", "late"],
    });
    expect(await tooLate.ended).toBe(1);
    // The node of a device that is gone is deleted, and its name is free again.
    await kubectl("delete", "node", "boot");
    const { items } = await json("get", "secrets", "-n", "kube-system");
    expect(items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).not.toContain(
      "boot.node-key.skiff",
    );
  });

  test("the short form and a rotated token work at once, the old one no more", async () => {
    const before = await nodeTokenOf(on.cluster);
    await skiff(on.machine, "token", "rotate", "--new-token", "another-secret");
    const flags = ["--data-dir", "/run/short", "--node-name", "short"];
    const old = await startAgent(two, on.cluster, { token: before, flags });
    expect(await old.ended).toBe(1);
    const joined = await startAgent(two, on.cluster, { token: "another-secret", flags });
    await untilReady(on.cluster, "short", joined);
    expect(joined.output()).toContain("whoever answered first is believed");
    await joined.stop();
    await kubectl("delete", "node", "short");
  });
});

/** A key and a certificate that no cluster has signed. */
async function skiffCertificate(machine: Machine): Promise<{ key: string; cert: string }> {
  const files = ["-keyout", "/run/impostor.key", "-out", "/run/impostor.crt"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await machine.must("openssl", ["req", "-x509", ...key, ...files, "-subj", "/CN=kubernetes", "-days", "2"]);
  return {
    key: await machine.must("cat", ["/run/impostor.key"]),
    cert: await machine.must("cat", ["/run/impostor.crt"]),
  };
}
