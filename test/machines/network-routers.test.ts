import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", [], { flags: ["--flannel-backend", "wireguard"] });
const two = secondNode(on, "two", { images: [] });
const three = secondNode(on, "three", { images: [] });

/** What a router does with a machine behind it: another port outside, and nothing in that was not asked for. */
const putBehindRouter = async (machine: Machine) => {
  await machine.must("nft", ["-f", "-"], {
    input: `table ip router {
 chain out {
  type nat hook postrouting priority 100;
  udp sport 51820 snat to ${machine.address}:40000
 }
 chain in {
  type filter hook prerouting priority -150;
  udp dport { 51820, 40000 } ct state new drop
 }
}
`,
  });
  await machine.must("conntrack", ["-F"]);
};
const node = (name: string) => on.cluster.kubectl.json(["get", "node", name]);
const rangeOf = async (name: string) => (await node(name)).spec.podCIDR.replace("0/24", "1");

test("two nodes behind routers of their own find each other where the server's node hears them", {
  timeout: 600_000,
}, async () => {
  for (const { machine } of [two, three]) await putBehindRouter(machine);
  for (const { machine } of [two, three]) await machine.must("ip", ["link", "del", "skiffwg"]);
  for (const [from, to] of [
    [two, "three"],
    [three, "two"],
  ] as const) {
    const address = await rangeOf(to);
    await eventually(() => from.machine.must("busybox", ["ping", "-c", "1", "-W", "1", address]), { limitMs: 240_000 });
  }
  for (const [name, { machine }] of Object.entries({ two, three }))
    await eventually(async () =>
      expect((await node(name)).metadata.annotations["skiff.io/wireguard-heard-at"]).toBe(`${machine.address}:40000`),
    );
  for (const name of ["two", "three"])
    await eventually(async () =>
      expect((await node(name)).status.conditions.map(({ type }: { type: string }) => type)).not.toContain(
        "PodNetworkBlocked",
      ),
    );
});
