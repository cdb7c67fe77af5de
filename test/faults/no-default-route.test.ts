import { afterAll, beforeAll, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

// A switch with a few devices and no router: nothing but their own network is to be reached.
let net: Lan;
const machines: Machine[] = [];
let cluster: Cluster;
let agent: Agent;
beforeAll(async () => {
  net = await lan();
  for (const name of ["one", "two"]) {
    const machine = await net.machine(name);
    await machine.must("ip", ["route", "del", "default"]);
    await loadImages(machine, ["busybox:1"]);
    machines.push(machine);
  }
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await net?.[Symbol.asyncDispose]();
});

const kubectl = (...args: string[]) => cluster.kubectl.must(args);
const addressesOf = async () =>
  (await cluster.kubectl.json(["get", "nodes"])).items.map(
    ({ status }: { status: { addresses: { address: string }[] } }) => status.addresses[0]?.address,
  );
/** Pods on each node reach each other, by the Service's name, and the API. */
const allIsReached = async () => {
  for (const node of ["one", "two"]) {
    for (const other of ["one", "two"])
      await eventually(async () =>
        expect(
          await kubectl("exec", `on-${node}`, "--", "wget", "-qO-", `http://on-${other}.default.svc.cluster.local/`),
        ).toBe(`from ${other}\n`),
      );
    const api = "nc -w 5 kubernetes.default.svc.cluster.local 443 </dev/null && echo reached";
    await eventually(async () => expect(await kubectl("exec", `on-${node}`, "--", "sh", "-c", api)).toBe("reached\n"));
  }
};

test("without a default route a server starts, an agent joins, and pods, Services and names work", async () => {
  const [one, two] = machines as [Machine, Machine];
  cluster = await startCluster(one);
  agent = await joinCluster(two, cluster);
  expect(await addressesOf()).toEqual([one.address, two.address]);
  for (const node of ["one", "two"]) {
    const overrides = JSON.stringify({ spec: { nodeName: node, terminationGracePeriodSeconds: 1 } });
    const serve = `mkdir /www; echo from ${node} > /www/index.html; exec httpd -f -p 8080 -h /www`;
    await kubectl("run", `on-${node}`, "--image=busybox:1", `--overrides=${overrides}`, "--", "sh", "-c", serve);
    await kubectl("expose", "pod", `on-${node}`, "--port=80", "--target-port=8080");
  }
  await kubectl("wait", "--for=condition=Ready", "pod/on-one", "pod/on-two", "--timeout=150s");
  await allIsReached();
});

test("a route that comes and goes later changes nothing", async () => {
  const before = await addressesOf();
  for (const change of ["add", "del"]) {
    for (const machine of machines)
      await machine.must("ip", ["route", change, "default", "via", net.hostAddress, "dev", "eth0"]);
    await allIsReached();
  }
  expect(await addressesOf()).toEqual(before);
  expect(agent.output()).not.toContain("has another address");
});
