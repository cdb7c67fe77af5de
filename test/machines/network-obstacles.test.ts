import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

describe.each([
  ["vxlan", 8472],
  ["wireguard", 51820],
] as const)("packets between two nodes that do not arrive, with %s", (backend, port) => {
  const machines: Record<string, Machine> = {};
  let net: Lan;
  let cluster: Cluster;
  let agent: Agent;

  beforeAll(async () => {
    net = await lan();
    for (const name of ["one", "two"]) machines[name] = await net.machine(name);
    cluster = await startCluster(machines.one!, ["--flannel-backend", backend]);
    agent = await joinCluster(machines.two!, cluster);
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await net?.[Symbol.asyncDispose]();
  });

  /** What a node says of the packets that it misses. */
  const missing = async (node: string): Promise<string | undefined> => {
    const { conditions } = (await cluster.kubectl.json(["get", "node", node])).status;
    return conditions.find(({ type }: { type: string }) => type === "PodNetworkBlocked")?.message;
  };
  const way = (from: string, to: string) =>
    `from node ${from} (${machines[from]?.address}) to node ${to} (${machines[to]?.address})`;
  const block = (rule: string) =>
    machines.two!.must("nft", ["-f", "-"], {
      input: `table inet cut {\n chain in {\n type filter hook input priority -300;\n ${rule}\n }\n}\n`,
    });
  const unblock = () => machines.two!.must("nft", ["delete", "table", "inet", "cut"]);

  test("are told of on both nodes, in the log and by Events, until they arrive", async () => {
    await block(`udp dport ${port} drop`);
    const sentence = `UDP port ${port}) do not arrive ${way("one", "two")}: open UDP ${port} between the nodes`;
    await eventually(async () => expect(await missing("one")).toContain(sentence));
    await eventually(async () => expect(await missing("two")).toContain(sentence));
    await eventually(() => expect(cluster.output()).toContain(sentence));
    await eventually(() => expect(agent.output()).toContain(sentence));
    await eventually(async () =>
      expect(await cluster.kubectl.must(["events", "--for", "node/two", "--types=Warning"])).toContain(
        "PodNetworkBlocked",
      ),
    );
    await unblock();
    for (const node of ["one", "two"]) await eventually(async () => expect(await missing(node)).toBeUndefined());
  });

  test("although nothing changed on any node: a box on the way begins to drop them, and the first that go unanswered tell", async () => {
    const attempt = () => machines.one!.run("busybox", ["nc", "-w", "3", "10.42.1.1", "9"]);
    const arrives = () => machines.one!.must("busybox", ["ping", "-c", "1", "-W", "1", "10.42.1.1"]);
    await eventually(arrives);
    await machines.two!.boxDrops(`udp dport ${port}`);
    const sentence = `UDP port ${port}) do not arrive ${way("two", "one")}: open UDP ${port} between the nodes`;
    await eventually(async () => {
      await attempt();
      expect(await missing("one")).toContain(sentence);
    });
    await eventually(async () => expect(await missing("two")).toContain(sentence));
    await machines.two!.boxDrops(undefined);
    for (const node of ["one", "two"]) await eventually(async () => expect(await missing(node)).toBeUndefined());
  });

  test("because they are too long are told of with their length", async () => {
    await block(`ip saddr ${machines.one!.address} udp dport ${port} meta length > 1300 drop`);
    await eventually(async () =>
      expect(await missing("one")).toMatch(/^packets of 14[45]0 bytes between pods do not arrive from node one/),
    );
    await unblock();
    await eventually(async () => expect(await missing("one")).toBeUndefined());
  });
});
