import { describe, expect, test } from "vitest";
import { type PresentPeer, peerArguments, peersFrom, presentPeersFrom, type WireguardPeer } from "./wireguard.ts";

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
  });
});
