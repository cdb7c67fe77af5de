import { describe, expect, test } from "vitest";
import type { LoadBalancerIngress, Service } from "../../api/schema/types.ts";
import type { CloudProvider } from "../cloud/provider.ts";
import { decide, finalizer, type Observed } from "./decide.ts";

const here: LoadBalancerIngress[] = [{ ip: "192.0.2.1", ipMode: "VIP" }];
const elsewhere: LoadBalancerIngress[] = [{ hostname: "lb.example.com" }];

interface Seed {
  type?: string;
  held?: boolean;
  leaving?: boolean;
  ingress?: LoadBalancerIngress[];
  loadBalancerClass?: string;
}
function aService({ type = "LoadBalancer", held, leaving, ingress, loadBalancerClass }: Seed = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      namespace: "shop",
      name: "web",
      ...(held && { finalizers: [finalizer] }),
      ...(leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    spec: { type, ...(loadBalancerClass && { loadBalancerClass }) },
    status: { loadBalancer: ingress ? { ingress } : {} },
  };
}
/** Answers at `answers`; `undefined`: balances nothing. */
const aProvider = (answers: LoadBalancerIngress[] | undefined): CloudProvider => ({
  instanceOf: () => undefined,
  ingressOf: () => answers,
  balances: ({ status }) => status?.loadBalancer?.ingress?.[0]?.ip === "192.0.2.1",
});
const quiet: Observed = { service: aService(), nodes: [], provider: aProvider(here), offered: true };
const raised = { held: true, ingress: here };

describe("the load balancer of a Service", () => {
  test.each<[what: string, change: Partial<Observed>, wants: { ingress?: unknown; held?: boolean; says?: string[] }]>([
    ["is raised", {}, { ingress: here, held: true, says: ["EnsuringLoadBalancer", "EnsuredLoadBalancer"] }],
    [
      "without a node is raised and says so",
      { provider: aProvider([]) },
      { held: true, says: ["EnsuringLoadBalancer", "UnAvailableLoadBalancer", "EnsuredLoadBalancer"] },
    ],
    [
      "follows the nodes",
      { service: aService({ held: true, ingress: [{ ip: "192.0.2.9" }] }) },
      { ingress: here, held: true, says: ["UpdatedLoadBalancer"] },
    ],
    [
      "is taken down with its Service",
      { service: aService({ ...raised, leaving: true }) },
      { says: ["DeletingLoadBalancer", "DeletedLoadBalancer"] },
    ],
    [
      "is taken down when the Service is of another type",
      { service: aService({ ...raised, type: "ClusterIP" }) },
      { says: ["DeletingLoadBalancer", "DeletedLoadBalancer"] },
    ],
    [
      "is taken down when none are made any more",
      { service: aService(raised), offered: false },
      { says: ["DeletingLoadBalancer", "DeletedLoadBalancer"] },
    ],
    [
      "of an earlier version, which held nothing, is forgotten",
      { service: aService({ type: "ClusterIP", ingress: here }) },
      { says: [] },
    ],
  ])("%s", (_, change, { ingress, held = false, says }) => {
    const decision = decide({ ...quiet, ...change });
    const { metadata, status } = decision?.service ?? {};
    expect([status?.loadBalancer?.ingress, metadata?.finalizers?.includes(finalizer) ?? false]).toEqual([
      ingress,
      held,
    ]);
    expect([...(decision?.before ?? []), ...(decision?.after ?? [])].map(({ reason }) => reason)).toEqual(says);
  });

  test.each<[what: string, change: Partial<Observed>]>([
    ["that is up", { service: aService(raised) }],
    ["that somebody else is asked for", { service: aService({ loadBalancerClass: "example.com/lb" }) }],
    [
      "that somebody else takes down",
      { service: aService({ loadBalancerClass: "example.com/lb", held: true, leaving: true }) },
    ],
    ["where nothing balances", { provider: aProvider(undefined) }],
    ["where none are made", { offered: false }],
    [
      "of somebody else's, where none are made",
      { service: aService({ held: true, leaving: true, ingress: elsewhere }), offered: false },
    ],
    ["of a Service of another type", { service: aService({ type: "ClusterIP" }) }],
  ])("is left alone: one %s", (_, change) => {
    expect(decide({ ...quiet, ...change })).toBeUndefined();
  });
});
