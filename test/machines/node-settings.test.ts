import { expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { signalSkiff, startCluster, writeConfig } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";
import { secondNode } from "../support/second-node.ts";

const server = { "node-external-ip": "198.51.100.1", "node-label": ["shelf=upper"], "tls-san": ["shelf.example"] };
const settings = {
  "with-node-id": true,
  "node-name": "pi",
  "node-external-ip": "198.51.100.2",
  "node-label": ["room=kitchen", "heat=low"],
  "node-taint": ["damp=yes:PreferNoSchedule"],
  "kubelet-arg": ["max-pods=30", "node-labels=from=kubelet", "system-reserved=memory=64Mi"],
};
const on = journey("one", ["busybox:1"], { config: JSON.stringify(server) });
const { kubectl, json } = on;
const two = secondNode(on, "two", { config: JSON.stringify(settings), flags: ["--node-label", "lamp=on"] });

/** The node on machine two: its name ends in what its device made of itself. */
const theNode = async () => {
  const { items } = await json("get", "nodes", "-l", "from=kubelet");
  expect(items).toHaveLength(1);
  return items[0];
};
const addresses = ({ status }: { status: { addresses: { type: string; address: string }[] } }) =>
  Object.fromEntries(status.addresses.map(({ type, address }) => [type, address]));
const sans = async (machine: Machine, port = 6443) =>
  machine.must("sh", [
    "-c",
    `openssl s_client -connect ${machine.address}:${port} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`,
  ]);

test("a node has the name, addresses, labels, taints and room that it was told", async () => {
  // That it is not Ready is a taint, which goes a moment after it is.
  const node = await eventually(async () => {
    const found = await theNode();
    expect(found.spec.taints).toEqual([{ key: "damp", value: "yes", effect: "PreferNoSchedule" }]);
    return found;
  });
  expect(node.metadata.name).toMatch(/^pi-[0-9a-f]{8}$/);
  expect(addresses(node)).toMatchObject({ InternalIP: two.machine.address, ExternalIP: "198.51.100.2" });
  // A flag given on the command line replaces the config file's.
  expect(node.metadata.labels).toMatchObject({ lamp: "on", from: "kubelet" });
  expect(node.metadata.labels).not.toHaveProperty("room");
  expect(node.status.capacity.pods).toBe("30");
  const kib = (quantity: string) => Number.parseInt(quantity, 10);
  expect(kib(node.status.capacity.memory) - kib(node.status.allocatable.memory)).toBeGreaterThanOrEqual(64 * 1024);
});

test("a load balancer shows external addresses and answers what a router sends on to the internal ones", async () => {
  await on.runOn("one", "web", "sh", "-c", "mkdir /www; echo hello > /www/index.html; exec httpd -f -p 8080 -h /www");
  await kubectl("expose", "pod", "web", "--port=8081", "--target-port=8080", "--type=LoadBalancer");
  await eventually(async () => {
    const { status } = await json("get", "service", "web");
    expect(status.loadBalancer.ingress.map(({ ip }: { ip: string }) => ip)).toEqual(["198.51.100.1", "198.51.100.2"]);
  });
  for (const { address } of [on.machine, two.machine])
    await eventually(async () => expect(await on.get(`http://${address}:8081/`)).toBe("hello\n"));
});

test("what people change of a node stays through a restart; its name too", async () => {
  const { metadata } = await theNode();
  await kubectl("taint", "node", metadata.name, "damp-");
  await kubectl("label", "node", metadata.name, "lamp=broken", "--overwrite");
  await two.agent.stop();
  two.agent.start();
  await untilReady(on.cluster, metadata.name);
  await eventually(() => expect(two.agent.output()).toContain(`node ${metadata.name} is Ready`));
  await eventually(async () => {
    const { metadata: after, spec } = await theNode();
    expect([after.name, after.uid, after.labels.lamp, spec.taints]).toEqual([
      metadata.name,
      metadata.uid,
      "broken",
      undefined,
    ]);
  });
});

test("a reload takes up external addresses and says what needs more than that", async () => {
  const now = { ...settings, "node-external-ip": "198.51.100.22", "node-taint": [], "kubelet-arg": ["max-pods=31"] };
  await writeConfig(two.machine, JSON.stringify({ ...now, "shutdown-grace-period": "20s" }));
  await signalSkiff(two.machine, "agent", "SIGHUP");
  await eventually(async () => expect(addresses(await theNode()).ExternalIP).toBe("198.51.100.22"));
  await eventually(async () => expect(await kubectl("get", "service", "web")).toContain("198.51.100.22"));
  await eventually(async () => expect(await on.get(`http://${two.machine.address}:8081/`)).toBe("hello\n"));
  await eventually(() =>
    expect(two.agent.output()).toMatch(
      /read again.*takenUp=.*node-external-ip.*shutdown-grace-period.*needRestart=.*kubelet-arg.*countWhenTheNodeRegisters=.*node-taint/,
    ),
  );
});

test("a reload of a server takes up names of its certificate and labels of its node", async () => {
  expect(await sans(on.machine)).toMatch(/DNS:shelf\.example/);
  expect(await sans(on.machine)).toMatch(/IP Address:198\.51\.100\.1\b/);
  const now = { "node-external-ip": "198.51.100.11", "node-label": ["shelf=lower"], "tls-san": ["shelf.home"] };
  await writeConfig(on.machine, JSON.stringify(now));
  await signalSkiff(on.machine, "server", "SIGHUP");
  await eventually(async () => expect(await sans(on.machine)).toMatch(/DNS:shelf\.home/));
  await eventually(async () => expect(await sans(on.machine)).toMatch(/IP Address:198\.51\.100\.11\b/));
  await eventually(async () => {
    const node = await json("get", "node", "one");
    expect([node.metadata.labels.shelf, addresses(node).ExternalIP]).toEqual(["lower", "198.51.100.11"]);
  });
  // Pods reach the API inside: not every router sends back what is meant for its own outside.
  const { subsets } = await json("get", "endpoints", "kubernetes");
  expect(subsets[0].addresses).toEqual([{ ip: on.machine.address }]);
});

test("a server listens where it is told, and is advertised where it is told", async () => {
  const three = await on.lan.machine("three");
  await three.must("ip", ["addr", "add", "192.0.2.33/32", "dev", "lo"]);
  const at = ["--bind-address", three.address, "--https-listen-port", "7443", "--advertise-address", "192.0.2.33"];
  await using cluster = await startCluster(three, at);
  expect(await three.must("ss", ["-Hltn", "sport = :7443"])).toMatch(
    new RegExp(`^LISTEN\\s+\\d+\\s+\\d+\\s+${three.address}:7443 `),
  );
  await eventually(async () => {
    const { subsets } = await cluster.kubectl.json(["get", "endpoints", "kubernetes"]);
    expect(subsets[0]).toMatchObject({ addresses: [{ ip: "192.0.2.33" }], ports: [{ port: 7443 }] });
  });
  expect(addresses(await cluster.kubectl.json(["get", "node", "three"]))).toMatchObject({ InternalIP: three.address });
  expect(await sans(three, 7443)).toMatch(/IP Address:192\.0\.2\.33\b/);
});
