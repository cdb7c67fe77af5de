import { describe, expect, test } from "vitest";
import type { EndpointSlice, Node, Pod, Service } from "../../api/schema/types.ts";
import { subsetsFor } from "../endpoints/decide.ts";
import { type Decision, decide } from "./decide.ts";
import { zoneShares } from "./topology.ts";

const service = (spec: Partial<Service["spec"]> = {}, labels = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default", uid: "s", creationTimestamp: "2026-01-01T00:00:00Z", labels },
  spec: {
    clusterIP: "10.43.0.9",
    selector: { app: "web" },
    ports: [{ port: 80, targetPort: "http", protocol: "TCP" }],
    ipFamilies: ["IPv4"],
    ...spec,
  },
});
const aPod = (
  name: string,
  { ready = true, leaving = false, ip = `10.42.0.${name.length}`, port = 8080, hostname = "", nodeName = "n1" } = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: name, ...(leaving && { deletionTimestamp: "2026-01-01T00:00:01Z" }) },
  spec: {
    nodeName,
    containers: [{ name: "app", ports: [{ name: "http", containerPort: port, protocol: "TCP" }] }],
    ...(hostname && { hostname, subdomain: "web" }),
  },
  status: {
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  },
});
let serial = 0;
const made = (decision: Decision): EndpointSlice[] =>
  decision.create.map(({ labels, annotations, ...content }) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `web-${serial++}`,
      namespace: "default",
      labels,
      annotations,
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "web", uid: "s", controller: true }],
    },
    ...content,
  }));
const aNode = (name: string, zone?: string): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, ...(zone && { labels: { "topology.kubernetes.io/zone": zone } }) },
  spec: {},
  status: { conditions: [{ type: "Ready", status: "True" }], allocatable: { cpu: "4" } },
});
const given = (
  pods: Pod[],
  slices: EndpointSlice[] = [],
  object = service(),
  { nodes = [aNode("n1")], hadHints = false, size = 100 } = {},
) =>
  decide({
    service: object,
    pods,
    slices,
    nodeOf: (name) => nodes.find(({ metadata }) => metadata.name === name),
    causedAt: "2026-01-01T00:00:00Z",
    size,
    shares: zoneShares(nodes),
    hadHints,
  });
const addresses = (slices: readonly { endpoints?: { addresses: string[] }[] }[]) =>
  slices.map(({ endpoints = [] }) => endpoints.map((endpoint) => endpoint.addresses[0]));

describe("endpointslice decide()", () => {
  test("makes an empty slice for a Service without pods", () => {
    expect(given([]).create).toEqual([
      {
        addressType: "IPv4",
        labels: {
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          "kubernetes.io/service-name": "web",
        },
        annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z" },
      },
    ]);
  });

  test("says of each pod whether it is ready, serving and terminating", () => {
    const [slice] = given([aPod("a"), aPod("bb", { ready: false }), aPod("ccc", { leaving: true })]).create;
    expect(slice?.endpoints?.map(({ conditions }) => conditions)).toEqual([
      { ready: true, serving: true, terminating: false },
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
    ]);
    expect(slice?.ports).toEqual([{ name: "", protocol: "TCP", port: 8080 }]);
  });

  test("does nothing when all is as it should be", () => {
    const slices = made(given([aPod("a")]));
    expect(given([aPod("a")], slices)).toEqual({ create: [], update: [], remove: [], news: [], hasHints: false });
  });

  test("fills the empty slice when the first pod comes, and keeps its name when ports change", () => {
    const slices = made(given([]));
    const { create, update } = given([aPod("a")], slices);
    expect([create.length, update.map(({ slice }) => slice.metadata.name)]).toEqual([0, [slices[0]?.metadata.name]]);
    const full = made(given([aPod("a")]));
    const moved = given([aPod("a", { port: 9090 })], full);
    expect([moved.create.length, moved.update.length, moved.remove.length]).toEqual([0, 1, 0]);
  });

  test("gives pods with different ports slices of their own", () => {
    expect(addresses(given([aPod("a"), aPod("bb", { port: 9090 })]).create)).toEqual([["10.42.0.1"], ["10.42.0.2"]]);
  });

  test("begins a second slice behind a hundred endpoints, and leaves the first as it is", () => {
    const many = Array.from({ length: 100 }, (_, at) => aPod(`p${at}`, { ip: `10.42.1.${at}` }));
    const slices = made(given(many));
    const { create, update } = given([...many, aPod("last", { ip: "10.42.2.1" })], slices);
    expect([addresses(create), update.length]).toEqual([[["10.42.2.1"]], 0]);
  });

  test("removes slices of a family that the Service lost", () => {
    const slices = made(given([], [], service({ ipFamilies: ["IPv4", "IPv6"] })));
    expect(given([], slices).remove.map(({ addressType }) => addressType)).toEqual(["IPv6"]);
  });

  test("marks headless Services and passes labels and host names on", () => {
    const object = service({ clusterIP: "None" }, { team: "a" });
    const [slice] = given([aPod("a", { hostname: "db-0" })], [], object).create;
    expect(slice?.labels).toMatchObject({ "service.kubernetes.io/headless": "", team: "a" });
    expect(slice?.endpoints?.[0]?.hostname).toBe("db-0");
  });

  test("leaves out pods of nodes that do not exist, and says so", () => {
    const { create, news } = given([aPod("a"), aPod("bb", { nodeName: "ghost" })]);
    expect(addresses(create)).toEqual([["10.42.0.1"]]);
    expect(news.map(({ message }) => message)).toEqual([
      "Error updating Endpoint Slices for Service default/web: skipping Pod bb for Service default/web: Node ghost Not Found",
    ]);
    const open = given([aPod("bb", { nodeName: "ghost" })], [], service({ publishNotReadyAddresses: true }));
    expect([addresses(open.create), open.news]).toEqual([[["10.42.0.2"]], []]);
  });

  test("keeps an empty slice empty while its only pod is on a node that does not exist", () => {
    const slices = made(given([]));
    const { create, update, remove } = given([aPod("a", { nodeName: "ghost" })], slices);
    expect([create, update, remove]).toEqual([[], [], []]);
  });

  test("fills a slice again that somebody emptied", () => {
    const [slice] = made(given([aPod("a")]));
    if (slice) slice.endpoints = [];
    const { create, update } = given([aPod("a")], slice ? [slice] : []);
    expect([create, addresses(update.map(({ content }) => content))]).toEqual([[], [["10.42.0.1"]]]);
  });

  test("replaces slices of an earlier Service of the name", () => {
    const [old] = made(given([aPod("a")]));
    if (old) old.metadata.ownerReferences = [];
    const { create, remove } = given([aPod("a")], old ? [old] : []);
    expect([addresses(create), remove]).toEqual([[["10.42.0.1"]], [old]]);
  });

  test("fills slices that change anyway first", () => {
    const three = [1, 2, 3].map((n) => aPod(`p${n}`, { ip: `10.42.1.${n}` }));
    const slices = made(given(three, [], service(), { size: 2 }));
    const { create, update } = given([...three.slice(1), aPod("new", { ip: "10.42.1.9" })], slices, service(), {
      size: 2,
    });
    expect([create, addresses(update.map(({ content }) => content))]).toEqual([[], [["10.42.1.2", "10.42.1.9"]]]);
  });
});

describe("hints of endpoints", () => {
  const nodes = [aNode("n1", "a"), aNode("n2", "b")];
  const pods = [aPod("p1", { ip: "10.42.1.1" }), aPod("p2", { ip: "10.42.1.2", nodeName: "n2" })];
  const topology = service();
  topology.metadata.annotations = { "service.kubernetes.io/topology-mode": "Auto" };
  const hints = ({ create }: Decision) => create.flatMap(({ endpoints = [] }) => endpoints.map((one) => one.hints));

  test.each<[what: string, object: Service, hints: unknown[]]>([
    ["none unless asked for", service(), [undefined, undefined]],
    [
      "to the own zone",
      service({ trafficDistribution: "PreferSameZone" }),
      [{ forZones: [{ name: "a" }] }, { forZones: [{ name: "b" }] }],
    ],
    [
      "to the own node too",
      service({ trafficDistribution: "PreferSameNode" }),
      [
        { forZones: [{ name: "a" }], forNodes: [{ name: "n1" }] },
        { forZones: [{ name: "b" }], forNodes: [{ name: "n2" }] },
      ],
    ],
    ["by the shares of zones", topology, [{ forZones: [{ name: "a" }] }, { forZones: [{ name: "b" }] }]],
  ])("%s", (_, object, expected) => {
    expect(hints(given(pods, [], object, { nodes }))).toEqual(expected);
  });

  test("a zone with more endpoints than its share gives some to the others", () => {
    const four = [1, 2, 3, 4].map((n) => aPod(`p${n}`, { ip: `10.42.1.${n}` }));
    const zones = hints(given(four, [], topology, { nodes })).map((one) => one?.forZones?.[0]?.name);
    expect(zones.sort()).toEqual(["a", "a", "b", "b"]);
  });

  test.each<[what: string, pods: Pod[], nodes: Node[], says: string]>([
    [
      "no zones are known",
      pods,
      [aNode("n1"), aNode("n2")],
      "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4",
    ],
    [
      "there are fewer endpoints than zones",
      pods.slice(0, 1),
      nodes,
      "Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4",
    ],
  ])("none by the shares of zones where %s", (_, some, among, says) => {
    const decision = given(some, [], topology, { nodes: among });
    expect(decision.news.map(({ message }) => message)).toEqual([says]);
    expect(hints(decision).every((one) => one === undefined)).toBe(true);
  });

  test("are taken away when the Service wants none any more", () => {
    const decision = given(pods, [], topology, { nodes });
    expect([decision.hasHints, decision.news.map(({ reason }) => reason)]).toEqual([
      true,
      ["TopologyAwareHintsEnabled"],
    ]);
    const after = given(pods, made(decision), service(), { nodes, hadHints: true });
    expect(after.update[0]?.content.endpoints?.map((one) => one.hints)).toEqual([undefined, undefined]);
    expect(after.news.map(({ reason }) => reason)).toEqual(["TopologyAwareHintsDisabled"]);
  });
});

describe("endpoints subsetsFor()", () => {
  test("parts ready from unready addresses and drops leaving pods", () => {
    const pods = [aPod("a"), aPod("bb", { ready: false }), aPod("ccc", { leaving: true })];
    expect(subsetsFor(service(), pods)).toMatchObject([
      {
        addresses: [{ ip: "10.42.0.1", nodeName: "n1" }],
        notReadyAddresses: [{ ip: "10.42.0.2" }],
        ports: [{ port: 8080, protocol: "TCP" }],
      },
    ]);
  });
});
