import { describe, expect, test } from "vitest";
import type { PodSpec } from "../../api/schema/types.ts";
import { aPod } from "../testing/objects.ts";
import { hostnameOf, hostsFile, resolvFile, resolvOmissions } from "./name-files.ts";

const dns = { clusterDns: ["10.43.0.10"], clusterDomain: "cluster.local" };
const hostFile = "# made by hand\nnameserver 192.168.0.1\nsearch lan\noptions edns0\n";
const resolv = (spec: Partial<PodSpec>) => resolvFile(aPod({ spec }), { dns, hostFile }).trim().split("\n");
const inCluster = [
  "search shop.svc.cluster.local svc.cluster.local cluster.local lan",
  "nameserver 10.43.0.10",
  "options ndots:5",
];
const asNode = ["search lan", "nameserver 192.168.0.1", "options edns0"];

describe("a pod's name files", () => {
  test.each<[name: string, spec: Partial<PodSpec>, lines: string[]]>([
    ["the cluster first", { dnsPolicy: "ClusterFirst" }, inCluster],
    ["the node's for pods on its network", { dnsPolicy: "ClusterFirst", hostNetwork: true }, asNode],
    [
      "the cluster's even there, when asked for",
      { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true },
      inCluster,
    ],
    ["the node's by policy Default", { dnsPolicy: "Default" }, asNode],
    [
      "only what is given by policy None",
      {
        dnsPolicy: "None",
        dnsConfig: { nameservers: ["1.1.1.1"], searches: ["x.y"], options: [{ name: "ndots", value: "2" }] },
      },
      ["search x.y", "nameserver 1.1.1.1", "options ndots:2"],
    ],
    [
      "what is given behind the rest, and its options instead of others",
      { dnsPolicy: "ClusterFirst", dnsConfig: { nameservers: ["1.1.1.1"], options: [{ name: "ndots", value: "2" }] } },
      [inCluster[0] ?? "", "nameserver 10.43.0.10", "nameserver 1.1.1.1", "options ndots:2"],
    ],
  ])("resolve %s", (_, spec, lines) => {
    expect(resolv(spec)).toEqual(lines);
  });

  test("leave out what programs cannot do with, and say what is left", () => {
    const nameservers = ["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"];
    const searches = Array.from({ length: 33 }, (_, at) => `d${at}`);
    const pod = aPod({ spec: { dnsPolicy: "None", dnsConfig: { nameservers, searches } } });
    const parts = { dns: { clusterDns: [], clusterDomain: "cluster.local" }, hostFile: "" };
    const omissions = resolvOmissions(pod, parts);
    expect(omissions).toHaveLength(2);
    expect(omissions[0]).toMatch(/^Search Line limits were exceeded, some search paths .* search line is: d0 .* d31$/);
    expect(omissions[1]).toBe(
      "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 2.2.2.2 3.3.3.3",
    );
    expect(resolvFile(pod, parts)).not.toContain("4.4.4.4");
    expect(resolvOmissions(aPod(), parts)).toEqual([]);
  });

  test("name the pod by its name, hostname and subdomain", () => {
    const named = (spec: Partial<PodSpec>) =>
      hostnameOf(aPod({ spec }), { nodeName: "m1", clusterDomain: "cluster.local" });
    expect(named({})).toEqual({ hostname: "web", domain: "" });
    expect(named({ hostname: "db-0", subdomain: "db" })).toEqual({
      hostname: "db-0",
      domain: "db.shop.svc.cluster.local",
    });
    expect(named({ subdomain: "db", setHostnameAsFQDN: true }).hostname).toBe("web.db.shop.svc.cluster.local");
    expect(named({ hostNetwork: true }).hostname).toBe("m1");
    const hosts = hostsFile(aPod({ spec: { hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] } }), {
      podIps: ["10.42.0.5"],
      hostname: "db-0",
      domain: "db.shop.svc.cluster.local",
      hostFile: "",
    });
    expect(hosts).toContain("10.42.0.5\tdb-0.db.shop.svc.cluster.local\tdb-0\n");
    expect(hosts).toContain("1.2.3.4\ta\tb\n");
  });
});
