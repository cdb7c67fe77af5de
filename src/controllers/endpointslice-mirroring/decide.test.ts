import { describe, expect, test } from "vitest";
import type { EndpointSlice, EndpointSubset, Endpoints, Service } from "../../api/schema/types.ts";
import { type Decision, decide } from "./decide.ts";

const endpoints = (subsets: EndpointSubset[], labels = {}, annotations = {}): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name: "web", namespace: "default", uid: "e", labels, annotations },
  subsets,
});
const service = (selector?: Record<string, string>): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default", uid: "s" },
  spec: { ...(selector && { selector }) },
});
const subset = (ips: string[], { unready = [] as string[], port = 8080 } = {}): EndpointSubset => ({
  addresses: ips.map((ip) => ({ ip })),
  notReadyAddresses: unready.map((ip) => ({ ip })),
  ports: [{ port, protocol: "TCP" }],
});
const given = (
  object: Endpoints | undefined,
  slices: EndpointSlice[] = [],
  of: Service | undefined = service(),
  most = 1000,
) => decide({ endpoints: object, service: of, slices, most });
const made = ({ create }: Decision): EndpointSlice[] =>
  create.map(({ labels, annotations, ...content }, at) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${at}`, namespace: "default", labels: { ...labels }, annotations: { ...annotations } },
    ...content,
  }));
const readiness = (decision: Decision) =>
  decision.create.map(({ addressType, endpoints: list = [] }) => [
    addressType,
    ...list.map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`),
  ]);

describe("endpointslice-mirroring decide()", () => {
  test.each<[what: string, object: Endpoints, slices: string[][]]>([
    [
      "ready and unready addresses stand in one slice",
      endpoints([subset(["203.0.113.5"], { unready: ["203.0.113.7"] })]),
      [["IPv4", "203.0.113.5 true", "203.0.113.7 false"]],
    ],
    [
      "each family and each set of ports has a slice",
      endpoints([subset(["203.0.113.5", "2001:db8::5"]), subset(["203.0.113.5"], { port: 9090 })]),
      [
        ["IPv4", "203.0.113.5 true"],
        ["IPv6", "2001:db8::5 true"],
        ["IPv4", "203.0.113.5 true"],
      ],
    ],
    ["without addresses there is nothing to mirror", endpoints([subset([])]), []],
    [
      "what asks to be left alone is",
      endpoints([subset(["1.2.3.4"])], { "endpointslice.kubernetes.io/skip-mirror": "true" }),
      [],
    ],
    [
      "records of leader election are",
      endpoints([subset(["1.2.3.4"])], {}, { "control-plane.alpha.kubernetes.io/leader": "{}" }),
      [],
    ],
  ])("%s", (_, object, slices) => {
    expect(readiness(given(object))).toEqual(slices);
  });

  test("labels and annotations are passed on, but for those of other machinery", () => {
    const annotations = { note: "x", "endpoints.kubernetes.io/last-change-trigger-time": "t" };
    const [mirror] = given(endpoints([subset(["1.2.3.4"])], { a: "b" }, annotations)).create;
    expect(mirror?.annotations).toEqual({ note: "x" });
    expect(mirror?.labels).toEqual({
      a: "b",
      "kubernetes.io/service-name": "web",
      "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    });
  });

  test("changes are made in place, also those of ports", () => {
    const slices = made(given(endpoints([subset(["1.2.3.4"])])));
    expect(given(endpoints([subset(["1.2.3.4"])]), slices)).toEqual({ create: [], update: [], remove: [], news: [] });
    const moved = given(endpoints([subset(["1.2.3.4"], { port: 9090 })]), slices);
    expect([moved.create.length, moved.update.length, moved.remove.length]).toEqual([0, 1, 0]);
  });

  test.each<[what: string, object: Endpoints | undefined, of: Service | undefined]>([
    ["its Endpoints", undefined, service()],
    ["its Service", endpoints([subset(["1.2.3.4"])]), undefined],
    ["the need, because the Service has a selector", endpoints([subset(["1.2.3.4"])]), service({ app: "web" })],
  ])("a mirror goes with %s", (_, object, of) => {
    const slices = made(given(endpoints([subset(["1.2.3.4"])])));
    expect(decide({ endpoints: object, service: of, slices, most: 1000 }).remove).toEqual(slices);
  });

  test("says when addresses are too many", () => {
    const { create, news } = given(endpoints([subset(["1.2.3.4", "1.2.3.5"])]), [], service(), 1);
    expect(create[0]?.endpoints).toHaveLength(1);
    expect(news.map(({ message }) => message)).toEqual([
      "A max of 1 addresses can be mirrored to EndpointSlices per Endpoints subset. 1 addresses were skipped",
    ]);
  });
});
