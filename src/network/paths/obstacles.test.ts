import { expect, test } from "vitest";
import { type Obstacle, obstacleBetween, sentenceOf } from "./obstacles.ts";

const [one, two] = [
  { name: "one", nodeIp: "192.0.2.1" },
  { name: "two", nodeIp: "192.0.2.2" },
];
const all = { small: true, large: true, wasHeard: true, mtu: 1450 };

test.each<[what: string, seen: Partial<typeof all>, obstacle: Obstacle | undefined]>([
  ["an answer: nothing is in the way", {}, undefined],
  ["an answer from one that is not heard: it had nothing to ask", { wasHeard: false }, undefined],
  ["no answer from one that is heard: our packets do not arrive", { small: false }, { from: one, to: two }],
  ["no answer and nothing heard: its packets do not arrive", { small: false, wasHeard: false }, { from: two, to: one }],
  ["answers to short questions only", { large: false }, { from: one, to: two, fromBytes: 1450 }],
])("%s", (_, seen, obstacle) => expect(obstacleBetween(one, two, { ...all, ...seen })).toEqual(obstacle));

test.each([
  [
    "vxlan",
    {},
    "pods' packets (vxlan, UDP port 8472) do not arrive from node one (192.0.2.1) to node two (192.0.2.2): open UDP 8472 between the nodes",
  ],
  ["wireguard", {}, "(wireguard, UDP port 51820) do not arrive from node one"],
  [
    "host-gw",
    {},
    "(host-gw, as they are) do not arrive from node one (192.0.2.1) to node two (192.0.2.2): the nodes must be on one network",
  ],
  ["vxlan", { fromBytes: 1450 }, "packets of 1450 bytes between pods do not arrive from node one (192.0.2.1)"],
] as const)("with %s, %j is said in one sentence", (backend, more, sentence) => {
  expect(sentenceOf({ from: one, to: two, ...more }, backend, ["10.42.0.0/16"])).toContain(sentence);
});
