import { writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { signalSkiff, writeConfig } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { openKubectl } from "../support/kubectl.ts";
import type { Machine } from "../support/machine.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const two = secondNode(on, "two", { server: "configured" });
const { kubectl, json } = on;

beforeAll(async () => {
  for (const node of ["one", "two"]) {
    const serve = `mkdir /www; echo from ${node} > /www/index.html; exec httpd -f -p 8080 -h /www`;
    await on.runOn(node, `on-${node}`, "sh", "-c", serve);
  }
});

/** What a DHCP client does when it is given another lease. */
const move = (machine: Machine, from: string, to: string) =>
  machine.must("sh", [
    "-c",
    `ip addr del ${from}/24 dev eth0; ip addr add ${to}/24 dev eth0; ip route replace default via ${on.lan.hostAddress} dev eth0`,
  ]);
const another = (machine: Machine) => machine.address.replace(/\d+$/, (last) => String(100 + Number(last)));
const reachEachOther = async (with_: (...args: string[]) => Promise<string> = kubectl) => {
  for (const [from, to] of [
    ["one", "two"],
    ["two", "one"],
  ]) {
    const ip = JSON.parse(await with_("get", "pod", `on-${to}`, "-o", "json")).status.podIP;
    await eventually(async () =>
      expect(await with_("exec", `on-${from}`, "--", "wget", "-qO-", `http://${ip}:8080/`)).toBe(`from ${to}\n`),
    );
  }
};
const addressOf = async (node: string) => (await json("get", "node", node)).status.addresses[0].address;

test("a node that is given another address is the same node, and its pods are reached there", async () => {
  await reachEachOther();
  await move(two.machine, two.machine.address, another(two.machine));
  await eventually(async () => expect(await addressOf("two")).toBe(another(two.machine)));
  await reachEachOther();
  expect(await kubectl("get", "nodes", "-o", "name")).toBe("node/one\nnode/two\n");
});

test("a server that is given another address shows a certificate for it, and pods find the API", async () => {
  await move(on.machine, on.machine.address, another(on.machine));
  const moved = await eventually(async () => {
    const text = await on.machine.must("cat", ["/etc/skiff/skiff.yaml"]);
    const file = `${on.machine.directory}/kubeconfig.moved`;
    writeFileSync(file, text.replace("https://127.0.0.1:", `https://${another(on.machine)}:`), { mode: 0o600 });
    const opened = await openKubectl(file);
    await opened.must(["get", "--raw", "/readyz"]);
    return opened;
  });
  await eventually(async () => {
    const { subsets } = await moved.json(["get", "endpoints", "kubernetes"]);
    expect(subsets[0].addresses[0].ip).toBe(another(on.machine));
  });
  await eventually(async () => expect(await moved.must(["exec", "on-one", "--", "hostname"])).toBe("on-one\n"));
  // The agent is told where the server is now, and finds it without a restart.
  await writeConfig(two.machine, JSON.stringify({ server: `https://${another(on.machine)}:6443` }));
  await signalSkiff(two.machine, "agent", "SIGHUP");
  await eventually(() => expect(two.agent.output()).toMatch(/the configuration was read again.*takenUp=.*server/));
  const renewed = async () => (await moved.json(["get", "lease", "two", "-n", "kube-node-lease"])).spec.renewTime;
  const before = await renewed();
  await eventually(async () => expect(await renewed()).not.toBe(before));
  await eventually(async () => expect(await moved.must(["exec", "on-two", "--", "hostname"])).toBe("on-two\n"));
});
