import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Netns, NodeNetwork } from "../support/network-namespace.ts";

/** Two nodes on one LAN, with IPv4 and IPv6, and a pod on each. */
describe.each([
  ["host-gw", 1500],
  ["vxlan", 1500],
  ["wireguard", 1500],
  ["vxlan", 9000],
  ["wireguard", 1400],
] as const)("two nodes with %s on links of %i bytes", (backend, linkMtu) => {
  const names = ["n1", "n2"] as const;
  let nodes: { name: string; netns: Netns; network: NodeNetwork; pod: Netns; ips: string[]; publish: never }[] = [];

  beforeEach(async () => {
    for (const [i, name] of names.entries()) {
      const netns = new Netns(`${name}-${backend}`);
      const pod = new Netns(`${name}-${backend}-pod`);
      const network = new NodeNetwork(netns, {
        nodeName: name,
        clusterCidrs: ["10.42.0.0/16", "fd42::/48"],
        serviceCidrs: ["10.43.0.0/16", "fd43::/112"],
        clusterDns: ["10.43.0.10", "fd43::a"],
        clusterDomain: "cluster.local",
        resolvConf: "/etc/resolv.conf",
        backend,
        nodeIps: [`172.30.9.${i + 1}`],
      });
      nodes.push({ name, netns, network, pod, ips: [], publish: aNode(i) });
      if (i === 1) nodes[0]!.netns.run(`ip link add eth0 type veth peer name eth0 netns ${netns.name}`);
    }
    for (const [i, { netns }] of nodes.entries()) {
      netns.run(
        `ip addr add 172.30.9.${i + 1}/24 dev eth0; ip addr add fd30::${i + 1}/64 dev eth0 nodad; ip link set eth0 mtu ${linkMtu} up`,
      );
    }
    for (const node of nodes) {
      for (const i of names.keys()) await node.network.put("nodes", aNode(i));
      await node.network.open();
      const annotations = (await node.network.call("annotations")) as Record<string, string>;
      node.publish = aNode(names.indexOf(node.name as "n1"), annotations);
      const { pid } = node.pod.start("busybox", ["httpd", "-f", "-p", "8080", "-h", "/usr"]);
      await vi.waitFor(() => expect(node.pod.run(`ip netns pids ${node.pod.name}`)).toContain(String(pid)));
      const pod = { uid: `uid-${node.name}`, namespace: "default", name: "p", pid };
      node.ips = ((await node.network.call("attach", pod)) as { ips: string[] }).ips;
    }
    for (const { network } of nodes) for (const { publish } of nodes) await network.put("nodes", publish);
  });

  afterEach(() => {
    for (const { network, netns, pod } of nodes) for (const part of [network, pod, netns]) part[Symbol.dispose]();
    nodes = [];
  });

  test("pods reach each other in both families, keep their addresses, and fit into the way between", async () => {
    const [a, b] = nodes;
    for (const from of [a!.pod, a!.netns]) for (const ip of b!.ips) await vi.waitFor(() => reaches(from, ip));
    const mtu = linkMtu - { vxlan: 50, wireguard: 60, "host-gw": 0 }[backend];
    expect(a!.pod.run("ip link show eth0")).toContain(`mtu ${mtu} `);
    await vi.waitFor(() => reaches(a!.pod, b!.ips[0]!, mtu - 28));
    expect(fragmentsMade(a!.netns)).toBe(0);
    // The kernel remembers connections of pods, and not what they are wrapped in a second time.
    for (const { netns } of nodes) expect(netns.run("conntrack -L 2>&1")).not.toMatch(/dport=8472/);
    b!.pod.run("nft add table inet t; nft 'add chain inet t c { type filter hook input priority 0; }'");
    b!.pod.run(`nft add rule inet t c ip saddr != ${a!.ips[0]} tcp dport 8080 drop`);
    await vi.waitFor(() =>
      expect(a!.pod.run(`printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 ${b!.ips[0]} 8080`)).toContain("404"),
    );
  });

  test("a node that leaves takes its routes along, and nothing is left after removal", async () => {
    const [a, b] = nodes;
    await vi.waitFor(() => reaches(a!.pod, b!.ips[0]!));
    await a!.network.remove("nodes", { name: "n2" });
    await vi.waitFor(() => expect(a!.netns.run("ip route")).not.toContain("10.42.2.0"));
    await a!.network.call("stop");
    await a!.network.call("removeEverything");
    expect(a!.netns.run("nft list ruleset; ip -o link; ip route; ip -6 route")).not.toMatch(
      /skiff|skf|10\.4[23]\.|fd4[23]/,
    );
  });
});

/** A packet with so many bytes is answered. */
function reaches(from: Netns, ip: string, bytes = 56): void {
  expect(from.run(`busybox ping -c 1 -W 2 -s ${bytes} ${ip}`)).toContain(" 0% packet loss");
}

/** How many packets were cut into pieces, because they did not fit into a link. */
function fragmentsMade(netns: Netns): number {
  const [names = [], values = []] = netns
    .run("grep ^Ip: /proc/net/snmp")
    .split("\n")
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("FragCreates")]);
}

function aNode(i: number, annotations: Record<string, string> = {}) {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `n${i + 1}`, annotations },
    spec: { podCIDRs: [`10.42.${i + 1}.0/24`, `fd42:0:0:${i + 1}::/64`] },
    status: {
      addresses: [
        { type: "InternalIP", address: `172.30.9.${i + 1}` },
        { type: "InternalIP", address: `fd30::${i + 1}` },
      ],
    },
  } as never;
}
