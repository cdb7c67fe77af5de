import { describe, expect, test } from "vitest";
import { applyTypeDefaults } from "../defaults.ts";
import { Path } from "../field.ts";
import type { PodSpec } from "../schema/types.ts";
import { validatePodSpec } from "./pod-spec.ts";

/** What is wrong with a sound pod after one change of its spec, as clients read it. */
function wrongWith(change: Record<string, unknown>): string[] {
  const pod = { spec: { containers: [{ name: "main", image: "app:1" }], ...change } as unknown as PodSpec };
  applyTypeDefaults(pod, "io.k8s.api.core.v1.Pod");
  return validatePodSpec(pod.spec, new Path("spec"), { isPod: true }).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

/** The same for a change of the container. */
const inContainer = (change: Record<string, unknown>) => ({
  containers: [{ name: "main", image: "app:1", ...change }],
});

describe("a pod's spec", () => {
  test.each<[string, change: Record<string, unknown>, wrong: string[]]>([
    ["is sound as it is", {}, []],
    ["needs a container", { containers: [] }, ["spec.containers: Required value"]],
    ["needs an image", inContainer({ image: "" }), ["spec.containers[0].image: Required value"]],
    [
      "knows three restart policies",
      { restartPolicy: "Maybe" },
      ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      "mounts only volumes that it has",
      inContainer({ volumeMounts: [{ name: "none", mountPath: "/a" }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "none"'],
    ],
    [
      "gives a volume one source",
      { volumes: [{ name: "a", emptyDir: {}, hostPath: { path: "/a" } }] },
      ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ],
    [
      "requests no more than the limit",
      inContainer({ resources: { limits: { cpu: "1" }, requests: { cpu: "2" } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      "probes in one way",
      inContainer({ livenessProbe: { exec: { command: ["a"] }, tcpSocket: { port: 80 } } }),
      ["spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    ],
    ["names its environment", inContainer({ env: [{ name: "" }] }), ["spec.containers[0].env[0].name: Required value"]],
    [
      "reads fields of itself under their former names too",
      inContainer({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.host" } } }] }),
      [],
    ],
    [
      "reads fields of its own version",
      inContainer({ env: [{ name: "A", valueFrom: { fieldRef: { apiVersion: "v2", fieldPath: "metadata.name" } } }] }),
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.name": error converting fieldPath: unsupported pod version: v2',
      ],
    ],
    [
      "reads entries of its labels and annotations only",
      inContainer({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name['a']" } } }] }),
      [
        "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name['a']\": error converting fieldPath: field label does not support subscript: metadata.name['a']",
      ],
    ],
    [
      "is told of its names in the order of Kubernetes' rules",
      { hostname: "a.b", activeDeadlineSeconds: 0, hostAliases: [{ ip: "x" }], priorityClassName: "P" },
      [
        "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        'spec.hostname: Invalid value: "a.b": must not contain dots',
        'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        "spec.priorityClassName: Invalid value: \"P\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      "tolerates all values only with Exists",
      { tolerations: [{ operator: "Equal" }] },
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      "spreads by some key",
      { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "", whenUnsatisfiable: "DoNotSchedule" }] },
      ["spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty"],
    ],
    [
      "runs as a user that there can be",
      { securityContext: { runAsUser: -1 } },
      ["spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"],
    ],
    [
      "says where to resolve names when nobody else does",
      { dnsPolicy: "None" },
      ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ],
  ])("%s", (_, change, wrong) => expect(wrongWith(change)).toEqual(wrong));
});
