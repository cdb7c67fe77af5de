import { describe, expect, test } from "vitest";
import type { Kind } from "../../kind.ts";
import { podDisruptionBudget } from "../policy/pod-disruption-budget.ts";
import { sent, wrongWithChange, wrongWithNew } from "../testing/judge.ts";
import { ingress } from "./ingress.ts";
import { ingressClass } from "./ingress-class.ts";
import { ipAddress } from "./ip-address.ts";
import { networkPolicy } from "./network-policy.ts";
import { serviceCIDR } from "./service-cidr.ts";

const backend = { service: { name: "web", port: { number: 80 } } };
const path = { path: "/", pathType: "Prefix", backend };
const rule = (change: object, host = "a.example.com") => ({
  rules: [{ host, http: { paths: [{ ...path, ...change }] } }],
});
const at = "spec.rules[0].http.paths[0]";

const rows: [string, Kind, object, string[]][] = [
  ["a good Ingress", ingress as Kind, rule({}), []],
  [
    "an Ingress of nothing",
    ingress as Kind,
    {},
    ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
  ],
  [
    "an address for a host",
    ingress as Kind,
    rule({}, "192.0.2.1"),
    ['spec.rules[0].host: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'],
  ],
  [
    "no type of path",
    ingress as Kind,
    rule({ pathType: null }),
    [`${at}.pathType: Required value: pathType must be specified`],
  ],
  [
    "a relative path",
    ingress as Kind,
    rule({ path: "a" }),
    [`${at}.path: Invalid value: "a": must be an absolute path`],
  ],
  [
    "a path with nothing between",
    ingress as Kind,
    rule({ path: "/a//b" }),
    [`${at}.path: Invalid value: "/a//b": must not contain '//'`],
  ],
  [
    "no backend",
    ingress as Kind,
    rule({ backend: {} }),
    [`${at}.backend: Invalid value: "": resource or service backend is required`],
  ],
  [
    "a backend without a port",
    ingress as Kind,
    rule({ backend: { service: { name: "s" } } }),
    [`${at}.backend: Required value: port name or number is required`],
  ],
  [
    "a class for a namespace that is not named",
    ingressClass as Kind,
    { controller: "example.com/c", parameters: { kind: "K", name: "n", scope: "Namespace" } },
    ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
  ],
  [
    "an unknown direction",
    networkPolicy as Kind,
    { podSelector: {}, policyTypes: ["Both"] },
    ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"'],
  ],
  [
    "a hole outside of the block",
    networkPolicy as Kind,
    { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "192.0.2.0/24", except: ["198.51.100.0/25"] } }] }] },
    ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "198.51.100.0/25": must be a strict subset of `cidr`'],
  ],
  [
    "nobody",
    networkPolicy as Kind,
    { podSelector: {}, egress: [{ to: [{}] }] },
    ["spec.egress[0].to[0]: Required value: must specify a peer"],
  ],
  [
    "a range of ports that ends before it begins",
    networkPolicy as Kind,
    { podSelector: {}, ingress: [{ ports: [{ port: 10, endPort: 5 }] }] },
    ["spec.ingress[0].ports[0].endPort: Invalid value: 10: must be greater than or equal to `port`"],
  ],
  ["no range", serviceCIDR as Kind, { cidrs: [] }, ["spec.cidrs: Required value: at least one CIDR required"]],
  [
    "an address instead of a range",
    serviceCIDR as Kind,
    { cidrs: ["10.66.0.5/24"] },
    ['spec.cidrs[0]: Invalid value: "10.66.0.5/24": must not have bits set beyond the prefix length'],
  ],
  [
    "two ranges of one family",
    serviceCIDR as Kind,
    { cidrs: ["10.66.0.0/24", "10.67.0.0/24"] },
    [
      'spec.cidrs: Invalid value: ["10.66.0.0/24","10.67.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  ],
  [
    "both ways of counting",
    podDisruptionBudget as Kind,
    { minAvailable: 1, maxUnavailable: "150%" },
    [
      'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"150%","UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      'spec.maxUnavailable: Invalid value: "150%": must not be greater than 100%',
    ],
  ],
];

describe("networking and policy", () => {
  test.each(rows)("%s", (_, kind, spec, wrong) => {
    expect(wrongWithNew(kind, { spec })).toEqual(wrong);
  });

  test("a policy is for what it has rules for", () => {
    expect(sent(networkPolicy, { spec: { podSelector: {} } }).spec).toMatchObject({ policyTypes: ["Ingress"] });
    expect(sent(networkPolicy, { spec: { podSelector: {}, egress: [{}] } }).spec).toMatchObject({
      policyTypes: ["Ingress", "Egress"],
    });
  });

  test("an IngressClass keeps its controller, and is told so first", () => {
    expect(
      wrongWithChange(ingressClass, { spec: { controller: "a.example.com/c" } }, { spec: { controller: "b" } }),
    ).toEqual([
      'spec.controller: Invalid value: "b": field is immutable',
      'spec.controller: Invalid value: "b": must be a domain-prefixed path (such as "acme.io/foo")',
    ]);
  });

  test("a range never changes, but another family may come", () => {
    const from = { spec: { cidrs: ["10.66.0.0/24"] } };
    expect(wrongWithChange(serviceCIDR, from, { spec: { cidrs: ["10.68.0.0/24"] } })).toEqual([
      'spec.cidrs[0]: Invalid value: "10.68.0.0/24": field is immutable',
    ]);
    expect(wrongWithChange(serviceCIDR, from, { spec: { cidrs: ["10.66.0.0/24", "2001:db8::/112"] } })).toEqual([]);
  });

  test.each([
    ["10.0.0.1", []],
    ["2001:DB8::1", ['must be in canonical form ("2001:db8::1")']],
    ["here", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]],
  ])("an IPAddress may be called %s or not", (name, wrong) => {
    expect(ipAddress.strategy.validateName?.(name)).toEqual(wrong);
  });
});
