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
      "requests at least what its containers request, those before the others too",
      {
        resources: { requests: { cpu: "1" } },
        containers: [
          { name: "main", image: "a", resources: { requests: { cpu: "1", memory: "1Gi", "example.com/disk": "1" } } },
        ].map((container) => ({
          ...container,
          resources: { ...container.resources, limits: { "example.com/disk": "1" } },
        })),
        initContainers: [{ name: "init", image: "a", resources: { requests: { cpu: "2" } } }],
      },
      [
        'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
      ],
    ],
    [
      "limits no container to more than the whole",
      {
        resources: { limits: { cpu: "1" } },
        ...inContainer({ resources: { limits: { cpu: "2" }, requests: { cpu: "1" } } }),
      },
      ['spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1'],
    ],
    [
      "does not limit a whole that runs on windows",
      { os: { name: "windows" }, resources: { limits: { cpu: "1" } } },
      ["spec.resources: Forbidden: may not be set for a windows pod"],
    ],
    [
      "shares nothing of the host that its users are not known to",
      {
        hostUsers: false,
        hostPID: true,
        volumes: [{ name: "disk", persistentVolumeClaim: { claimName: "c" } }],
        ...inContainer({ volumeDevices: [{ name: "disk", devicePath: "/dev/x" }] }),
      },
      [
        "spec.HostPID: Forbidden: when `hostUsers` is false",
        "spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false",
      ],
    ],
    ["has any name as its host's", { hostnameOverride: "a.example" }, []],
    [
      "has one name as its host's",
      { hostnameOverride: "a".repeat(65), setHostnameAsFQDN: true, hostNetwork: true },
      [
        "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
        "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
        "spec.hostnameOverride: Too long: may not be more than 64 bytes",
      ],
    ],
    [
      "reads variables of files that it has written",
      {
        volumes: [{ name: "host", hostPath: { path: "/a" } }],
        ...inContainer({
          env: ["host", "none"].map((volumeName) => ({
            name: "A",
            valueFrom: { fileKeyRef: { volumeName, path: "env", key: "A" } },
          })),
        }),
      },
      [
        'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "host": referenced volume must be of type emptyDir',
        'spec.containers[0].env[1].valueFrom.fileKeyRef.volumeName: Not found: "none"',
      ],
    ],
    ["names the system that it is for", { os: {} }, ["spec.os.name: Required value"]],
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
