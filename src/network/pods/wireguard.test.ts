import { describe, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import {
  heardAtOf,
  heardIn,
  otherPlaceArguments,
  type PresentPeer,
  peerArguments,
  peersFrom,
  presentEndFrom,
  presentPeersFrom,
  type WireguardPeer,
} from "./wireguard.ts";

const [a, b] = [`${"A".repeat(43)}=`, `${"B".repeat(43)}=`];
const nowMs = 1_000_000_000;
const peer: WireguardPeer = { publicKey: a, endpoint: "192.0.2.2:51820", allowedIps: ["10.42.2.0/24", "fd42::/64"] };
const working: PresentPeer = { ...peer, handshakeMs: nowMs - 60_000 };
const silent: PresentPeer = { ...peer, handshakeMs: 0 };
const keepalive = ["persistent-keepalive", "25"];

describe("peers of a node", () => {
  test("are the nodes that published a key, each with all its ranges", () => {
    const ranges = [
      { cidr: "10.42.2.0/24", nodeIp: "192.0.2.2", publicKey: a },
      { cidr: "10.42.3.0/24", nodeIp: "fd30::3", publicKey: b },
      { cidr: "10.42.4.0/24", nodeIp: "192.0.2.4" },
      { cidr: "fd42::/64", nodeIp: "192.0.2.2", publicKey: a },
    ];
    expect(peersFrom(ranges)).toEqual([
      peer,
      { publicKey: b, endpoint: "[fd30::3]:51820", allowedIps: ["10.42.3.0/24"] },
    ]);
  });

  test("keep their packets when another node shows their key", () => {
    const ranges = [
      { cidr: "10.42.2.0/24", nodeIp: "192.0.2.2", publicKey: a },
      { cidr: "10.42.9.0/24", nodeIp: "192.0.2.9", publicKey: a },
    ];
    expect(peersFrom(ranges)).toEqual([{ ...peer, allowedIps: ["10.42.2.0/24"] }]);
  });

  test.each<[what: string, there: PresentPeer[], wanted: WireguardPeer[], moved: string[], args: string[]]>([
    ["nothing is told twice", [working], [peer], [], []],
    [
      "a new one is told whole",
      [],
      [peer],
      [],
      ["peer", a, "endpoint", peer.endpoint, ...keepalive, "allowed-ips", "10.42.2.0/24,fd42::/64"],
    ],
    ["one that left is removed", [working], [], [], ["peer", a, "remove"]],
    [
      "one behind a router keeps the place where it was heard",
      [{ ...working, endpoint: "198.51.100.7:1234" }],
      [peer],
      [],
      [],
    ],
    [
      "one that is not heard is looked for where it says it is",
      [{ ...silent, endpoint: "198.51.100.7:1234" }],
      [peer],
      [],
      ["peer", a, "endpoint", peer.endpoint, ...keepalive, "allowed-ips", "10.42.2.0/24,fd42::/64"],
    ],
    [
      "one that moved is followed",
      [{ ...working, endpoint: "192.0.2.1:51820" }],
      [peer],
      [a],
      ["peer", a, "endpoint", peer.endpoint, ...keepalive, "allowed-ips", "10.42.2.0/24,fd42::/64"],
    ],
    [
      "other ranges are told, the place is left",
      [{ ...working, allowedIps: ["10.42.2.0/24"] }],
      [peer],
      [],
      ["peer", a, ...keepalive, "allowed-ips", "10.42.2.0/24,fd42::/64"],
    ],
  ])("%s", (_, there, wanted, moved, args) => {
    expect(peerArguments(there, wanted, { moved: new Set(moved), nowMs })).toEqual(args);
  });

  test("are read from what wg prints", () => {
    const dump = [
      "private\tpublic\t51820\toff",
      `${a}\t(none)\t192.0.2.2:51820\t10.42.2.0/24,fd42::/64\t999940\t1\t2\t25`,
      `${b}\t(none)\t(none)\t(none)\t0\t0\t0\toff`,
    ].join("\n");
    expect(presentPeersFrom(`${dump}\n`)).toEqual([
      { ...working, handshakeMs: 999_940_000 },
      { publicKey: b, endpoint: "(none)", allowedIps: [], handshakeMs: 0 },
    ]);
    expect(presentPeersFrom("private\tpublic\t51820\toff\n")).toEqual([]);
    expect(presentEndFrom(dump)).toEqual({ publicKey: "public", port: 51820 });
    expect(presentEndFrom("(none)\t(none)\t0\toff\n")).toEqual({ publicKey: "(none)", port: 0 });
  });
});

describe("nodes behind routers", () => {
  const heardAt = "198.51.100.7:40000";
  const asked = { publicKey: a, nodeIp: "192.0.2.2", heardAt };

  test.each<[what: string, there: PresentPeer[], args: string[]]>([
    ["is looked for where it is heard when it is silent where it says it is", [silent], [heardAt]],
    ["and the other way round", [{ ...silent, endpoint: heardAt }], ["192.0.2.2:51820"]],
    ["stays where it answers", [{ ...working, endpoint: heardAt }], []],
    ["is nobody to look for when it is no peer", [], []],
  ])("one %s", (_, there, to) =>
    expect(otherPlaceArguments(there, asked, nowMs)).toEqual(to.length > 0 ? ["peer", a, "endpoint", ...to] : []),
  );

  test("are heard as long as their tunnels work", () => {
    expect(
      heardIn(
        [
          { ...working, endpoint: heardAt },
          { ...silent, publicKey: b },
        ],
        nowMs,
      ),
    ).toEqual(new Map([[a, heardAt]]));
  });

  test.each([
    [heardAt, heardAt],
    ["[2001:db8::1]:40000", "[2001:db8::1]:40000"],
    ["kitchen.example:40000", undefined],
    ["198.51.100.7:99999", undefined],
    ["198.51.100.7", undefined],
  ])("%s as a place is %s", (place, read) => {
    const annotations = { "skiff.io/wireguard-heard-at": place };
    expect(heardAtOf({ metadata: { name: "n", annotations } } as unknown as Node)).toBe(read);
  });
});
