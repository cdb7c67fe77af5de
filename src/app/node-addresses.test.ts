import { expect, test } from "vitest";
import { NodeAddresses } from "./node-addresses.ts";

/** A machine whose address a test changes. */
function machine(address: string, given: readonly string[] = []) {
  const state = { address };
  const told: string[] = [];
  const addresses = new NodeAddresses({
    given,
    find: () => state.address,
    moved: async (ips) => void told.push(`server ${ips.join()}`),
  });
  const follow = () => addresses.follow((ips) => told.push(`node ${ips.join()}`));
  return { state, told, addresses, follow };
}

test("an address that came while the node began is the node's: a device starts before its network is there", async () => {
  const { state, told, addresses, follow } = machine("127.0.0.1");
  state.address = "192.0.2.7";
  await addresses.look();
  follow();
  expect(told).toEqual(["server 192.0.2.7", "node 192.0.2.7"]);
});

test("who follows is told of each change, and of none that is none", async () => {
  const { state, told, addresses, follow } = machine("192.0.2.1");
  follow();
  await addresses.look();
  state.address = "127.0.0.1";
  await addresses.look();
  state.address = "192.0.2.2";
  await addresses.look();
  expect(told).toEqual(["node 192.0.2.1", "server 192.0.2.2", "node 192.0.2.2"]);
});

test("addresses that the user gave stay", async () => {
  const { state, told, addresses, follow } = machine("192.0.2.1", ["203.0.113.1", "2001:db8::1"]);
  follow();
  state.address = "192.0.2.2";
  await addresses.look();
  expect([addresses.current, told]).toEqual([["203.0.113.1", "2001:db8::1"], ["node 203.0.113.1,2001:db8::1"]]);
});
