import { createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { asDevice, nodeTokenOf, refusedAgent, startAgent, untilReady } from "../support/agent.ts";
import { runSkiff } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
const two = secondNode(on, "two");

test("a device joins with one line and runs pods that kubectl reaches through the tunnel", async () => {
  expect(two.agent.output()).toMatch(/node two is Ready after [\d.]+ s/);
  expect(await kubectl("get", "nodes")).toMatch(/two +Ready +<none>/);
  const serve = "echo started; mkdir /www; echo from two > /www/index.html; exec httpd -f -p 8080 -h /www";
  await on.runOn("two", "away", "sh", "-c", serve);
  // Ready says that the container was started, not how far it is.
  await eventually(async () => expect(await kubectl("logs", "away")).toBe("started\n"));
  await eventually(async () => expect(await kubectl("exec", "away", "--", "hostname")).toBe("away\n"));
  await eventually(async () =>
    expect(await kubectl("get", "--raw", "/api/v1/namespaces/default/pods/away:8080/proxy/")).toBe("from two\n"),
  );
  expect(JSON.parse(await kubectl("get", "--raw", "/api/v1/nodes/two/proxy/stats/summary")).node.nodeName).toBe("two");
  // The agent listens nowhere: what reaches it comes through the connection that it opened.
  const listening = await two.machine.must("ss", ["-Hltn"]);
  expect(listening).not.toMatch(/:10250|:6443/);
  await kubectl("delete", "pod", "away", "--grace-period=1");
});

test("a restart needs no token, and another address is the same device", async () => {
  await two.agent.stop();
  const other = await startAgent(two.machine, on.cluster, {
    token: "not-the-token",
    flags: ["--node-ip", two.machine.address],
  });
  await untilReady(on.cluster, "two", other);
  await other.stop();
  two.agent.start();
  await untilReady(on.cluster, "two", two.agent);
});

/** Tries to join with a token; what the agent printed when it was refused. */
const refused = (token: string, flags: readonly string[] = asDevice("three")) =>
  refusedAgent(two.machine, on.cluster, { token, flags });

describe("a device is refused", () => {
  test("with a wrong token", async () => {
    const token = (await nodeTokenOf(on.cluster)).replace(/server:.*/, "server:wrong");
    expect(await refused(token)).toMatch(/refuses this device: the token is not valid here: .*`skiff token create`/);
  });

  test("with another device's name, until it is readmitted", async () => {
    const token = await nodeTokenOf(on.cluster);
    const flags = asDevice("two", "impostor");
    expect(await refused(token, flags)).toMatch(/another device is node "two" already.*`skiff node readmit two`/);
    expect(await refused(token, asDevice("one", "impostor"))).toContain('another device is node "one" already');
    await two.agent.stop();
    expect(await runSkiff(on.machine, "node", "readmit", "two")).toContain("may be node two");
    const fresh = await startAgent(two.machine, on.cluster, { token, flags });
    await untilReady(on.cluster, "two", fresh);
    await fresh.stop();
    // Now the first key is the stranger's; its certificate is of use until it ends, its name is another's.
    await runSkiff(on.machine, "node", "readmit", "two");
    two.agent.start();
    await untilReady(on.cluster, "two", two.agent);
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
    const output = await refusedAgent(two.machine, on.cluster, {
      server: `https://${on.lan.hostAddress}:${port}`,
      flags: asDevice("lured"),
    });
    expect(output).toContain("is not the server that made this token");
    expect(Buffer.concat(received).toString()).toMatch(/^GET \/cacerts HTTP\/1.1\r\n/);
    expect(Buffer.concat(received).toString()).not.toMatch(/authorization|server:/i);
    await new Promise((resolve) => impostor.close(resolve));
  });
});

const idOf = (token: string): string => /::(\w{6})\./.exec(token)?.[1] ?? "";

const invalid = /the token is not valid here: it may have been deleted, rotated or expired/;

describe("tokens", () => {
  test("one that was created lets a device in until it is deleted or its time is over", async () => {
    const created = (
      await runSkiff(on.machine, "token", "create", "--ttl", "1h", "--description", "the new shelf")
    ).trim();
    expect(created).toMatch(/^K10[0-9a-f]{64}::[a-z0-9]{6}\.[a-z0-9]{16}$/);
    const id = idOf(created);
    expect(await runSkiff(on.machine, "token", "list")).toMatch(new RegExp(`${id} +\\S+ +valid +the new shelf`));
    // One agent at a time: a machine has one network.
    await two.agent.stop();
    const flags = asDevice("boot");
    const joined = await startAgent(two.machine, on.cluster, { token: created, flags });
    await untilReady(on.cluster, "boot", joined);
    await joined.stop();
    await runSkiff(on.machine, "token", "delete", id);
    expect(await runSkiff(on.machine, "token", "list")).not.toContain(id);
    expect(await refused(created)).toMatch(invalid);
    // The node of a device that is gone is deleted, and its name is free again.
    await kubectl("delete", "node", "boot");
    await eventually(async () => {
      const { items } = await json("get", "secrets", "-n", "kube-system");
      expect(items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).not.toContain(
        "boot.node-key.skiff",
      );
    });
  });

  test("one whose time is over is refused, and cleaned away", async () => {
    const over = (await runSkiff(on.machine, "token", "create", "--ttl", "1s")).trim();
    await eventually(async () => expect(await runSkiff(on.machine, "token", "list")).not.toContain(idOf(over)));
    expect(await refused(over)).toMatch(invalid);
  });

  test("one that was generated elsewhere is created as it is, and listed for programs", async () => {
    const given = (await runSkiff(two.machine, "token", "generate")).trim();
    expect(given).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    expect(await runSkiff(on.machine, "token", "create", given, "--ttl", "0")).toContain(given);
    const listed = JSON.parse(await runSkiff(on.machine, "token", "list", "-o", "json"));
    expect(listed).toContainEqual({ id: given.slice(0, 6), expires: "never", state: "valid", description: "" });
    await runSkiff(on.machine, "token", "delete", given);
  });

  test("the short form and a rotated token work at once, the old one no more", async () => {
    const before = await nodeTokenOf(on.cluster);
    await runSkiff(on.machine, "token", "rotate", "--new-token", "another-secret");
    const flags = asDevice("short");
    expect(await refused(before, flags)).toContain("the token is not valid here");
    const joined = await startAgent(two.machine, on.cluster, { token: "another-secret", flags });
    await untilReady(on.cluster, "short", joined);
    await eventually(() => expect(joined.output()).toContain("whoever answered first is believed"));
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
