import { describe, expect, test } from "vitest";
import type { Endpoint, EndpointSlice, Pod, Service } from "../../api/schema/types.ts";
import { anEndpoint, aService, aSlice } from "../testing/objects.ts";
import { rulesOfHostPorts, rulesOfService } from "./desired.ts";
import type { Ruleset } from "./ruleset.ts";

type Hints = Endpoint["hints"];

const place = {
  nodeName: "n1",
  clusterCidrs: ["10.42.0.0/16"],
  answeredHere: new Set(["10.43.0.10"]),
  insideOf: (ip: string) => (ip === "203.0.113.77" ? ["192.0.2.7", "2001:db8::7"] : []),
};
const here = anEndpoint("10.42.0.2");
const there = anEndpoint("10.42.1.2", { node: "n2" });
const nodePort = { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080, protocol: "TCP" }] };

/** The elements in lines ("services4 10.43.0.5 . tcp . 80 : goto svc4/…") and the chains. */
function rules(spec: NonNullable<Service["spec"]>, slices: readonly EndpointSlice[], status?: Service["status"]) {
  return shown(rulesOfService({ ...aService(spec), ...(status && { status }) }, slices, place));
}
function shown({ chains, elements, sets }: Ruleset) {
  const lines = [...elements].flatMap(([name, keys]) =>
    [...keys].map(([key, verdict]) => `${name} ${key}${verdict && ` : ${verdict}`}`),
  );
  return { elements: lines, chains: Object.fromEntries(chains), sets: Object.fromEntries(sets) };
}

describe("where a cluster IP leads", () => {
  test.each<[name: string, slices: EndpointSlice[], rule: string | undefined]>([
    ["to its one endpoint", [aSlice([here])], "meta l4proto tcp dnat ip to 10.42.0.2:8080"],
    [
      "to any of several, on every node",
      [aSlice([here, there])],
      "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.42.0.2 . 8080, 1 : 10.42.1.2 . 8080 }",
    ],
    [
      "to an endpoint once that is in two slices",
      [aSlice([here]), aSlice([here])],
      "meta l4proto tcp dnat ip to 10.42.0.2:8080",
    ],
    [
      "not to one that is not ready",
      [aSlice([here, anEndpoint("10.42.0.3", { state: "notReady" })])],
      "meta l4proto tcp dnat ip to 10.42.0.2:8080",
    ],
    [
      "not to one that drains while another is ready",
      [aSlice([here, anEndpoint("10.42.0.3", { state: "draining" })])],
      "meta l4proto tcp dnat ip to 10.42.0.2:8080",
    ],
    [
      "to those that drain when none is ready",
      [aSlice([anEndpoint("10.42.0.3", { state: "draining" }), anEndpoint("10.42.0.4", { state: "stopped" })])],
      "meta l4proto tcp dnat ip to 10.42.0.3:8080",
    ],
    ["nowhere without endpoints", [aSlice([])], undefined],
    [
      "nowhere when no port of the endpoints has its name",
      [aSlice([here], { ports: [{ name: "other", port: 1 }] })],
      undefined,
    ],
    ["nowhere in another family", [aSlice([here], { addressType: "IPv6" })], undefined],
  ])("%s", (_, slices, rule) => {
    const { elements, chains } = rules({}, slices);
    expect(chains).toEqual(rule ? { "svc4/default/web/tcp-80": [rule] } : {});
    expect(elements[0]).toBe(
      rule
        ? "services4 10.43.0.5 . tcp . 80 : goto svc4/default/web/tcp-80"
        : "blocked4 10.43.0.5 . tcp . 80 : goto refuse",
    );
  });

  test.each<[name: string, zone: string | undefined, hints: [Hints, Hints], targets: string[]]>([
    ["to those for this node", "z", [{ forNodes: [{ name: "n1" }] }, { forNodes: [{ name: "n2" }] }], ["10.42.0.2"]],
    ["to all when some are for no node", "z", [{ forNodes: [{ name: "n1" }] }, undefined], ["10.42.0.2", "10.42.1.2"]],
    ["to those for its zone", "z", [{ forZones: [{ name: "y" }] }, { forZones: [{ name: "z" }] }], ["10.42.1.2"]],
    [
      "to all when none is for its zone",
      "x",
      [{ forZones: [{ name: "y" }] }, { forZones: [{ name: "z" }] }],
      ["10.42.0.2", "10.42.1.2"],
    ],
    [
      "to those for its zone when none is for the node",
      "z",
      [
        { forNodes: [{ name: "n3" }], forZones: [{ name: "z" }] },
        { forNodes: [{ name: "n2" }], forZones: [{ name: "y" }] },
      ],
      ["10.42.0.2"],
    ],
    [
      "to all where the node has no zone",
      undefined,
      [{ forZones: [{ name: "y" }] }, { forZones: [{ name: "z" }] }],
      ["10.42.0.2", "10.42.1.2"],
    ],
  ])("of endpoints that are meant for some: %s", (_, zone, hints, targets) => {
    const slice = aSlice([here, there].map((endpoint, i) => ({ ...endpoint, ...(hints[i] && { hints: hints[i] }) })));
    const { chains } = rulesOfService(aService(), [slice], { ...place, zone });
    expect(
      chains
        .get("svc4/default/web/tcp-80")
        ?.join()
        .match(/10\.42\.\d\.2/g),
    ).toEqual(targets);
  });

  test.each(["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"])(
    "nowhere where the label %s says that something else sees to it",
    (label) => {
      const service = aService();
      const labelled = { ...service, metadata: { ...service.metadata, labels: { [label]: "" } } };
      expect(shown(rulesOfService(labelled, [aSlice([here])], place))).toEqual({ elements: [], chains: {}, sets: {} });
    },
  );

  test("in IPv6 to IPv6 endpoints", () => {
    const slice = aSlice([anEndpoint("fd42::2")], { addressType: "IPv6" });
    const { elements, chains } = rules({ clusterIP: "fd43::5", clusterIPs: ["fd43::5"] }, [slice]);
    expect(elements).toEqual([
      "services6 fd43::5 . tcp . 80 : goto svc6/default/web/tcp-80",
      "hairpin6 fd42::2 . fd42::2",
    ]);
    expect(chains["svc6/default/web/tcp-80"]).toEqual(["meta l4proto tcp dnat ip6 to [fd42::2]:8080"]);
  });

  test("nowhere for headless Services, ExternalNames, and the address that the node answers itself", () => {
    for (const spec of [{ clusterIP: "None" }, { type: "ExternalName", clusterIP: "" }, { clusterIP: "10.43.0.10" }]) {
      expect(rules(spec, [aSlice([here])])).toEqual({ elements: [], chains: {}, sets: {} });
    }
  });
});

describe("traffic policies", () => {
  test.each<[name: string, spec: NonNullable<Service["spec"]>, slices: EndpointSlice[], elements: string[]]>([
    [
      "internal Local stays on the node",
      { internalTrafficPolicy: "Local" },
      [aSlice([here, there])],
      ["services4 10.43.0.5 . tcp . 80 : goto local4/default/web/tcp-80"],
    ],
    [
      "internal Local drops where the node has no endpoint",
      { internalTrafficPolicy: "Local" },
      [aSlice([there])],
      ["blocked4 10.43.0.5 . tcp . 80 : drop"],
    ],
    [
      "external Local drops from outside where the node has no endpoint",
      { ...nodePort, externalTrafficPolicy: "Local" },
      [aSlice([there])],
      [
        "services4 10.43.0.5 . tcp . 80 : goto svc4/default/web/tcp-80",
        "nodeports4 tcp . 30080 : goto ext4/default/web/tcp-80",
        "blocked-nodeports4 tcp . 30080 : drop",
      ],
    ],
    [
      "a node port without any endpoint refuses",
      nodePort,
      [],
      ["blocked4 10.43.0.5 . tcp . 80 : goto refuse", "blocked-nodeports4 tcp . 30080 : goto refuse"],
    ],
  ])("%s", (_, spec, slices, elements) => {
    expect(rules(spec, slices).elements.filter((line) => !line.startsWith("hairpin"))).toEqual(elements);
  });

  test("traffic from outside gets the node's address, unless it must stay and keep its own", () => {
    const chain = "ext4/default/web/tcp-80";
    expect(rules(nodePort, [aSlice([here])]).chains[chain]).toEqual([
      "meta mark set meta mark or 0x4000",
      "goto svc4/default/web/tcp-80",
    ]);
    expect(rules({ ...nodePort, externalTrafficPolicy: "Local" }, [aSlice([here])]).chains[chain]).toEqual([
      "ip saddr 10.42.0.0/16 goto svc4/default/web/tcp-80",
      "fib saddr type local meta mark set meta mark or 0x4000 goto svc4/default/web/tcp-80",
      "goto local4/default/web/tcp-80",
    ]);
  });
});

describe("addresses from outside", () => {
  const balanced = {
    loadBalancer: { ingress: [{ ip: "192.0.2.7" }, { ip: "192.0.2.8", ipMode: "Proxy" }, { hostname: "x" }] },
  };
  test("a load balancer's address leads to the Service, one that proxies does not", () => {
    const { elements } = rules({ type: "LoadBalancer", externalIPs: ["198.51.100.1"] }, [aSlice([there])], balanced);
    expect(elements).toEqual([
      "services4 10.43.0.5 . tcp . 80 : goto svc4/default/web/tcp-80",
      "services4 198.51.100.1 . tcp . 80 : goto ext4/default/web/tcp-80",
      "services4 192.0.2.7 . tcp . 80 : goto ext4/default/web/tcp-80",
    ]);
  });

  test("what a router sends on to the node that has the address leads there too", () => {
    const status = { loadBalancer: { ingress: [{ ip: "203.0.113.77" }] } };
    expect(rules({ type: "LoadBalancer" }, [aSlice([there])], status).elements.slice(1)).toEqual([
      "services4 203.0.113.77 . tcp . 80 : goto ext4/default/web/tcp-80",
      "services4 192.0.2.7 . tcp . 80 : goto ext4/default/web/tcp-80",
    ]);
  });

  test("source ranges let in whom they name and nobody else", () => {
    const spec = { type: "LoadBalancer", loadBalancerSourceRanges: ["203.0.113.0/24", "fd00::/8"] };
    const { elements, chains } = rules(spec, [aSlice([there])], balanced);
    expect(elements).toContain("firewall4 192.0.2.7 . tcp . 80 : goto firewall4/default/web/tcp-80");
    expect(chains["firewall4/default/web/tcp-80"]).toEqual(["ip saddr 203.0.113.0/24 return", "drop"]);
  });
});

test("session affinity remembers each client's endpoint for the time-out", () => {
  const sticky = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
  const { chains, sets } = rules(sticky, [aSlice([here, there])]);
  const [a, b] = ["default/web/tcp-80/10.42.0.2-8080", "default/web/tcp-80/10.42.1.2-8080"];
  expect(chains).toEqual({
    [`to4/${a}`]: [`update @seen4/${a}/60s { ip saddr }`, "meta l4proto tcp dnat ip to 10.42.0.2:8080"],
    [`to4/${b}`]: [`update @seen4/${b}/60s { ip saddr }`, "meta l4proto tcp dnat ip to 10.42.1.2:8080"],
    "svc4/default/web/tcp-80": [
      `ip saddr @seen4/${a}/60s goto to4/${a}`,
      `ip saddr @seen4/${b}/60s goto to4/${b}`,
      `numgen random mod 2 vmap { 0 : goto to4/${a}, 1 : goto to4/${b} }`,
    ],
  });
  expect(Object.values(sets)[0]).toContain("timeout 60s");
});

describe("host ports", () => {
  const pod = (ports: object, more: object = {}): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: "web", uid: "u1" },
    spec: { containers: [{ name: "web", ports: [{ containerPort: 8080, ...ports }] }], ...more },
    status: { phase: "Running", podIPs: [{ ip: "10.42.0.2" }] },
  });
  test.each<[name: string, pod: Pod, elements: string[]]>([
    ["lead from every address of the node", pod({ hostPort: 80 }), ["hostports4 tcp . 80 : goto hostport4/u1/tcp-80"]],
    [
      "lead from the address they name",
      pod({ hostPort: 80, hostIP: "127.0.0.1", protocol: "UDP" }),
      ["services4 127.0.0.1 . udp . 80 : goto hostport4/u1/udp-80-127.0.0.1"],
    ],
    ["need no rule on the host's own network", pod({ hostPort: 8080 }, { hostNetwork: true }), []],
    ["are none without hostPort", pod({}), []],
  ])("%s", (_, pod, elements) => {
    expect(shown(rulesOfHostPorts(pod)).elements.filter((line) => !line.startsWith("hairpin"))).toEqual(elements);
  });
});
