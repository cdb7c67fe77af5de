import { expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { service } from "./service.ts";

const mode = "service.kubernetes.io/topology-mode";
const hints = "service.kubernetes.io/topology-aware-hints";
const ranges = "service.beta.kubernetes.io/load-balancer-source-ranges";

test.each<[what: string, annotations: object, spec: object, wrong: string[]]>([
  ["the same under both names", { [mode]: "Auto", [hints]: "Auto" }, {}, []],
  [
    "one thing under one name and another under the other",
    { [mode]: "Auto", [hints]: "auto" },
    {},
    [`metadata.annotations[${mode}]: Invalid value: "Auto": must match annotations[${hints}] when both are specified`],
  ],
  [
    "ranges without a load balancer",
    { [ranges]: "192.0.2.0/24" },
    {},
    [`metadata.annotations[${ranges}]: Forbidden: may only be used when \`type\` is 'LoadBalancer'`],
  ],
  [
    "a range that is none",
    { [ranges]: "192.0.2.0/24, x" },
    { type: "LoadBalancer" },
    [
      `metadata.annotations[${ranges}]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
    ],
  ],
])("a Service that is annotated with %s", (_, annotations, spec, wrong) => {
  expect(wrongWithNew(service, { spec: { ports: [{ port: 80 }], ...spec } }, { annotations })).toEqual(wrong);
});
