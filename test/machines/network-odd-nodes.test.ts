import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Netns, NodeNetwork } from "../support/network-namespace.ts";

let node: Netns;
let network: NodeNetwork;

beforeEach(async () => {
  node = new Netns("alone");
  network = new NodeNetwork(node, {
    nodeName: "n1",
    clusterCidrs: ["10.42.0.0/16"],
    serviceCidrs: ["10.43.0.0/16"],
    clusterDns: ["10.43.0.10"],
    clusterDomain: "cluster.local",
    resolvConf: "/etc/resolv.conf",
    backend: "vxlan",
  });
  await network.put("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  await network.put("services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web" },
    spec: { clusterIP: "10.43.1.1", ports: [{ port: 80 }] },
  } as never);
  await network.put("nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1" },
    spec: { podCIDRs: ["10.42.0.0/24"] },
  } as never);
  node.resolveBy("nameserver 10.43.0.10\n");
});

afterEach(() => {
  network[Symbol.dispose]();
  node[Symbol.dispose]();
});

const namesAreAnswered = () =>
  vi.waitFor(() => expect(node.run("getent hosts web.default.svc.cluster.local")).toContain("10.43.1.1"));

test("names are answered on a device without any network", async () => {
  await network.open();
  await namesAreAnswered();
  // No way out, no way to an endpoint: the Service refuses at once all the same.
  await vi.waitFor(() => expect(node.try("busybox nc -w 5 10.43.1.1 80 < /dev/null").output).toContain("refused"));
});

test("names are answered although somebody else has DNS's port on every address", async () => {
  const listen = `require("dgram").createSocket("udp4").bind(53); require("net").createServer().listen(53, "0.0.0.0")`;
  node.start(process.execPath, ["-e", listen]);
  await vi.waitFor(() => expect(node.run("cat /proc/net/udp")).toContain(":0035 "));
  await network.open();
  await namesAreAnswered();
});
