import type { RecordType } from "dns-packet";
import { describe, expect, test } from "vitest";
import type { EndpointSlice, Service } from "../../api/schema/types.ts";
import { clusterIpsOf } from "../service-facts.ts";
import { anEndpoint, aService, aSlice } from "../testing/objects.ts";
import { answerQuestion, type ClusterRecords } from "./answer.ts";

const services: readonly Service[] = [
  aService({
    clusterIPs: ["10.43.0.5", "fd43::5"],
    ports: [
      { name: "http", port: 80, protocol: "TCP" },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  }),
  aService({ clusterIP: "None" }, { name: "db" }),
  aService({ clusterIP: "None" }, { name: "empty" }),
  aService({ type: "ExternalName", clusterIP: "", externalName: "example.com" }, { name: "out" }),
  aService({ type: "ExternalName", clusterIP: "", externalName: "web.default.svc.cluster.local" }, { name: "again" }),
];
const slices: readonly EndpointSlice[] = [
  aSlice([anEndpoint("10.42.0.7")]),
  aSlice(
    [
      anEndpoint("10.42.0.8", { hostname: "db-0" }),
      anEndpoint("10.42.0.9"),
      anEndpoint("10.42.0.10", { hostname: "db-2", state: "notReady" }),
    ],
    { metadata: { namespace: "default", name: "db-1", labels: { "kubernetes.io/service-name": "db" } } },
  ),
];
const records: ClusterRecords = {
  hasNamespace: (name) => name === "default",
  service: (namespace, name) => services.find((s) => s.metadata.namespace === namespace && s.metadata.name === name),
  slices: (namespace, name) =>
    slices.filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name,
    ),
  servicesAt: (ip) => services.filter((service) => clusterIpsOf(service).includes(ip)),
  slicesAt: (ip) => slices.filter(({ endpoints }) => endpoints?.some(({ addresses }) => addresses.includes(ip))),
};

/** "NXDOMAIN", or the records of the answer in one line each. */
function ask(name: string, type: RecordType): string[] | string | undefined {
  const answer = answerQuestion({ name, type, class: "IN" }, records, "cluster.local");
  if (!answer || answer.rcode === "NXDOMAIN") return answer?.rcode;
  return answer.answers.map((record) => `${record.type} ${"data" in record ? show(record.data) : ""}`);
}
function show(data: unknown): string {
  if (typeof data === "string") return data;
  const { port, target } = data as { port: number; target: string };
  return target ? `${port} ${target}` : "…";
}

describe("answers about the cluster", () => {
  test.each<[name: string, type: RecordType, answer: string[] | string | undefined]>([
    ["web.default.svc.cluster.local", "A", ["A 10.43.0.5"]],
    ["web.default.svc.cluster.local", "AAAA", ["AAAA fd43::5"]],
    ["web.default.svc.cluster.local", "MX", []],
    [
      "web.default.svc.cluster.local",
      "SRV",
      ["SRV 80 web.default.svc.cluster.local", "SRV 53 web.default.svc.cluster.local"],
    ],
    ["_http._tcp.web.default.svc.cluster.local", "SRV", ["SRV 80 web.default.svc.cluster.local"]],
    ["_dns._udp.web.default.svc.cluster.local", "SRV", ["SRV 53 web.default.svc.cluster.local"]],
    ["_dns._tcp.web.default.svc.cluster.local", "SRV", "NXDOMAIN"],
    ["10-42-0-7.web.default.svc.cluster.local", "A", ["A 10.42.0.7"]],
    ["nothing.default.svc.cluster.local", "A", "NXDOMAIN"],
    ["db.default.svc.cluster.local", "A", ["A 10.42.0.8", "A 10.42.0.9"]],
    ["db.default.svc.cluster.local", "AAAA", []],
    ["db-0.db.default.svc.cluster.local", "A", ["A 10.42.0.8"]],
    ["DB-0.db.default.svc.cluster.local", "A", ["A 10.42.0.8"]],
    ["10-42-0-9.db.default.svc.cluster.local", "A", ["A 10.42.0.9"]],
    ["db-2.db.default.svc.cluster.local", "A", "NXDOMAIN"],
    [
      "_http._tcp.db.default.svc.cluster.local",
      "SRV",
      ["SRV 8080 db-0.db.default.svc.cluster.local", "SRV 8080 10-42-0-9.db.default.svc.cluster.local"],
    ],
    ["empty.default.svc.cluster.local", "A", "NXDOMAIN"],
    ["out.default.svc.cluster.local", "A", ["CNAME example.com"]],
    ["10-42-0-7.default.pod.cluster.local", "A", ["A 10.42.0.7"]],
    ["10-42-0-7.default.pod.cluster.local", "AAAA", []],
    ["10-42-0-7.nowhere.pod.cluster.local", "A", "NXDOMAIN"],
    ["default.svc.cluster.local", "A", []],
    ["nowhere.svc.cluster.local", "A", "NXDOMAIN"],
    ["cluster.local", "A", []],
    ["cluster.local", "NS", ["NS ns.dns.cluster.local"]],
    ["example.com", "A", undefined],
    ["5.0.43.10.in-addr.arpa", "PTR", ["PTR web.default.svc.cluster.local"]],
    ["8.0.42.10.in-addr.arpa", "PTR", ["PTR db-0.db.default.svc.cluster.local"]],
    ["9.0.42.10.in-addr.arpa", "PTR", ["PTR 10-42-0-9.db.default.svc.cluster.local"]],
    ["9.9.9.9.in-addr.arpa", "PTR", undefined],
  ])("%s %s", (name, type, answer) => {
    expect(ask(name, type)).toEqual(answer);
  });

  test("the spelling of the question comes back", () => {
    const name = "wEb.Default.svc.cluster.LOCAL";
    const answer = answerQuestion({ name, type: "A", class: "IN" }, records, "cluster.local");
    expect(answer?.answers.map((record) => record.name)).toEqual([name]);
  });

  test("targets of SRV records come with their addresses", () => {
    const question = { name: "_http._tcp.db.default.svc.cluster.local", type: "SRV", class: "IN" } as const;
    const additionals = answerQuestion(question, records, "cluster.local")?.additionals;
    expect(additionals?.map((record) => [record.name, "data" in record ? record.data : ""])).toEqual([
      ["db-0.db.default.svc.cluster.local", "10.42.0.8"],
      ["10-42-0-9.db.default.svc.cluster.local", "10.42.0.9"],
    ]);
  });
});
