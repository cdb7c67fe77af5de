import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Agent, joinCluster, untilReady } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

const machines = {} as Record<"one" | "two", Machine>;
let net: Lan;
let cluster: Cluster;
let agent: Agent;

beforeAll(async () => {
  net = await lan();
  for (const name of ["one", "two"] as const) machines[name] = await net.machine(name);
  cluster = await startCluster(machines.one, ["--flannel-backend", "wireguard-native"]);
  agent = await joinCluster(machines.two, cluster);
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await net?.[Symbol.asyncDispose]();
});

const keyFile = "/var/lib/skiff/agent/network/wireguard.key";
const published = async (node: string): Promise<string> =>
  (await cluster.kubectl.json(["get", "node", node])).metadata.annotations["skiff.io/wireguard-public-key"];
const wg = async (machine: Machine, what: string) => (await machine.must("wg", ["show", "skiffwg", what])).trim();
/** Both nodes reach each other's address among pods. */
const reachEachOther = async () => {
  for (const [from, to] of [
    [machines.one, "10.42.1.1"],
    [machines.two, "10.42.0.1"],
  ] as const)
    await eventually(() => from.must("busybox", ["ping", "-c", "1", "-W", "1", to]));
};

test("a node's key stays on it, readable by root, and its public half is on its Node", async () => {
  await reachEachOther();
  for (const name of ["one", "two"] as const) {
    expect(await machines[name].must("stat", ["-c", "%a %U", keyFile])).toBe("600 root\n");
    expect(await published(name)).toBe(await wg(machines[name], "public-key"));
  }
  expect(await wg(machines.one, "allowed-ips")).toBe(`${await published("two")}\t10.42.1.0/24`);
  // What travels between the nodes is readable to nobody: pods' packets do not leave by the LAN.
  expect(await machines.one.must("ip", ["route", "get", "10.42.1.7"])).toContain("dev skiffwg");
});

test("a node that comes with another key takes the place of what it was", async () => {
  const before = await published("two");
  await agent.stop();
  await machines.two.must("rm", [keyFile]);
  agent.start();
  await untilReady(cluster, "two");
  await eventually(async () => expect(await published("two")).not.toBe(before));
  await eventually(async () => expect(await wg(machines.one, "peers")).toBe(await published("two")));
  await reachEachOther();
});

test("a tunnel that something took away is made again", async () => {
  await machines.two.must("pkill", ["-9", "-x", "wireguard-go"]);
  await reachEachOther();
  await machines.one.must("ip", ["link", "set", "skiffwg", "down"]);
  await reachEachOther();
});

test("a node behind a router is answered where it is heard, through a restart of the other as well", async () => {
  // What a router does with a machine behind it: another port outside, and nothing in that was not asked for.
  await machines.two.must("nft", ["-f", "-"], {
    input: `table ip router {
 chain out {
 type nat hook postrouting priority 100;
 udp sport 51820 snat to ${machines.two.address}:40000-40009
 }
 chain in {
 type filter hook prerouting priority -150;
 udp dport 51820 ct state new drop
 }
}
`,
  });
  await machines.two.must("conntrack", ["-F"]);
  await machines.two.must("ip", ["link", "del", "skiffwg"]);
  await machines.one.must("ip", ["link", "del", "skiffwg"]);
  await reachEachOther();
  expect(await wg(machines.one, "endpoints")).toMatch(new RegExp(`\t${machines.two.address}:4000\\d$`));
  await cluster.stop();
  // The way to a node that left while nobody looked.
  await machines.one.must("ip", ["route", "add", "10.42.99.0/24", "dev", "skiffwg", "proto", "143"]);
  await cluster.start();
  expect(await wg(machines.one, "endpoints")).toMatch(new RegExp(`\t${machines.two.address}:4000\\d$`));
  await reachEachOther();
  await eventually(async () => expect(await machines.one.must("ip", ["route"])).not.toContain("10.42.99.0"));
});

test("nothing of it is left when skiff is removed", async () => {
  await agent.stop();
  await machines.two.must("sh", [resolve(import.meta.dirname, "../../systemd/skiff-killall.sh")]);
  expect(await machines.two.must("sh", ["-c", "ip -o link; ip route; ls /run/wireguard"])).not.toMatch(
    /skiff|10\.42\./,
  );
  await eventually(async () => expect((await machines.two.run("pgrep", ["-x", "wireguard-go"])).code).toBe(1));
});
