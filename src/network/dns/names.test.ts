import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ClusterName, clusterNameFrom, dashesFrom, ipFromDashes, ipFromReverse } from "./names.ts";

describe("names of the cluster", () => {
  test.each<[name: string, meaning: ClusterName | undefined]>([
    ["example.com", undefined],
    ["notcluster.local", undefined],
    ["cluster.local", { sort: "domain", name: "" }],
    ["svc.cluster.local", { sort: "domain", name: "svc" }],
    ["dns-version.cluster.local", { sort: "domain", name: "dns-version" }],
    ["other.cluster.local", { sort: "unknown" }],
    ["default.svc.cluster.local", { sort: "namespace", namespace: "default" }],
    ["web.default.svc.cluster.local.", { sort: "service", namespace: "default", service: "web" }],
    ["WEB.Default.SVC.Cluster.Local", { sort: "service", namespace: "default", service: "web" }],
    ["db-0.db.prod.svc.cluster.local", { sort: "endpoint", namespace: "prod", service: "db", endpoint: "db-0" }],
    [
      "_http._tcp.web.default.svc.cluster.local",
      { sort: "service", namespace: "default", service: "web", port: { name: "http", protocol: "tcp" } },
    ],
    ["a.b.web.default.svc.cluster.local", { sort: "unknown" }],
    [
      "example.com.default.svc.cluster.local",
      { sort: "endpoint", namespace: "default", service: "com", endpoint: "example" },
    ],
    ["www.example.com.default.svc.cluster.local", { sort: "unknown" }],
    ["10-42-0-7.default.pod.cluster.local", { sort: "pod", namespace: "default", ip: "10.42.0.7" }],
    ["fd00--7.default.pod.cluster.local", { sort: "pod", namespace: "default", ip: "fd00::7" }],
    ["web.default.pod.cluster.local", { sort: "unknown" }],
  ])("%s", (name, meaning) => {
    expect(clusterNameFrom(name, "cluster.local")).toEqual(meaning);
  });

  test("an address with dashes can be read back", () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        expect(ipFromDashes(dashesFrom(ip))).toBe(ip);
      }),
    );
  });

  test.each([
    ["7.0.42.10.in-addr.arpa", "10.42.0.7"],
    [`7.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, "fd00::7"],
    ["0.42.10.in-addr.arpa", undefined],
    ["web.default.svc.cluster.local", undefined],
  ])("%s asks about %s", (name, ip) => {
    expect(ipFromReverse(name)).toBe(ip);
  });
});
