import { describe, expect, test } from "vitest";
import { sent, wrongWithNew } from "../testing/judge.ts";
import { pod } from "./pod.ts";

const main = { name: "main", image: "app:1" };
const none = "a null labelSelector results in matching no pod";

function warned(spec: object, metadata: object = {}): readonly string[] {
  return (
    pod.strategy.warnings?.(sent(pod, { spec: { containers: [main], ...spec } }, metadata) as never, undefined) ?? []
  );
}
const withPorts = (...ports: object[]) => ({ containers: [{ ...main, ports }] });

describe("a new pod", () => {
  test.each<[string, spec: object, metadata: object, warnings: string[]]>([
    ["says nothing of a plain pod", {}, {}, []],
    [
      "cannot have every name as its host's",
      {},
      { name: "a.b" },
      [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      ],
    ],
    [
      "hears of outdated labels",
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "beta.kubernetes.io/arch", operator: "Exists" }] }],
            },
          },
        },
      },
      {},
      [
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead',
      ],
    ],
    [
      "hears of sources of volumes that are gone",
      {
        volumes: [
          { name: "v", gitRepo: { repository: "r" } },
          { name: "w", rbd: { monitors: ["m"], image: "i" } },
        ],
      },
      {},
      [
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
        "spec.volumes[1].rbd: deprecated in v1.28, non-functional in v1.31+",
      ],
    ],
    [
      "hears of repeated secrets",
      { imagePullSecrets: [{ name: "a" }, { name: "a" }] },
      {},
      ['spec.imagePullSecrets[1].name: duplicate name "a"'],
    ],
    [
      "may build a variable on itself",
      {
        containers: [
          {
            ...main,
            env: [
              { name: "A", value: "1" },
              { name: "A", value: "$(A)2" },
            ],
          },
        ],
      },
      {},
      [],
    ],
    [
      "hears of ports that overlap",
      withPorts({ containerPort: 80, hostPort: 8080 }, { containerPort: 80 }),
      {},
      ["spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]"],
    ],
    [
      "hears of ports that may clash",
      withPorts({ containerPort: 80, hostPort: 80, hostIP: "1.2.3.4" }, { containerPort: 80, hostPort: 80 }),
      {},
      ["spec.containers[0].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]"],
    ],
    [
      "hears of an address without a port",
      withPorts({ containerPort: 80, hostIP: "1.2.3.4" }),
      {},
      [
        "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}",
      ],
    ],
    [
      "hears of ports that go by one name",
      {
        initContainers: [{ name: "i", image: "i", restartPolicy: "Always", ports: [{ name: "p", containerPort: 1 }] }],
        ...withPorts({ name: "p", containerPort: 2 }, { containerPort: 3 }, { containerPort: 4 }),
      },
      {},
      [
        'spec.containers[0].ports[0]: duplicate port name "p" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]',
      ],
    ],
    [
      "hears of files at one path",
      {
        volumes: [
          {
            name: "c",
            configMap: {
              name: "m",
              items: [
                { key: "a", path: "x" },
                { key: "b", path: "y" },
                { key: "c", path: "x/z" },
              ],
            },
          },
          {
            name: "p",
            projected: {
              sources: [
                {},
                { serviceAccountToken: { path: "token" } },
                { secret: { name: "s", items: [{ key: "k", path: "token/" }] } },
                { configMap: { name: "whole" } },
              ],
            },
          },
        ],
      },
      {},
      [
        'volume "c" (ConfigMap "m"): overlapping paths: "x/z" with "x"',
        'volume "p" (Projected) has no sources provided',
        'volume "p" (Projected): overlapping paths: "token" (Secret "s") with "token" (ServiceAccountToken)',
      ],
    ],
    [
      "hears of addresses that are not as they should be",
      { dnsConfig: { nameservers: ["2001:DB8::1"] }, hostAliases: [{ ip: "2001:db8:0::2", hostnames: ["h"] }] },
      {},
      [
        'spec.dnsConfig.nameservers[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
        'spec.hostAliases[0].ip: IPv6 address "2001:db8:0::2" should be in RFC 5952 canonical format ("2001:db8::2")',
      ],
    ],
    [
      "hears that it repels nobody",
      {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: "z" } }],
          },
        },
      },
      {},
      [
        `spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: ${none}`,
      ],
    ],
    [
      "hears of time that cannot be",
      { terminationGracePeriodSeconds: -1 },
      {},
      ["spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"],
    ],
    [
      "hears of annotations without a function",
      {},
      { annotations: { "container.seccomp.security.alpha.kubernetes.io/main": "unconfined" } },
      [
        'metadata.annotations[container.seccomp.security.alpha.kubernetes.io/main]: non-functional in v1.27+; use the "seccompProfile" field instead',
      ],
    ],
  ])("%s", (_, spec, metadata, warnings) => expect(warned(spec, metadata)).toEqual(warnings));

  test("is not warned of again when it changes", () => {
    const object = sent(pod, { spec: { containers: [main], terminationGracePeriodSeconds: -1 } }) as never;
    expect(pod.strategy.warnings?.(object, object)).toEqual([]);
  });
});

describe("profiles as annotations", () => {
  const key = "container.apparmor.security.beta.kubernetes.io/main";
  const appArmor = (value: string) => ({ annotations: { [key]: value } });

  test("become fields", () => {
    const object = sent(pod, { spec: { containers: [main] } }, appArmor("localhost/strict"));
    const told: string[] = [];
    const writing = {
      user: { name: "u", uid: "", groups: [], extra: {} },
      now: 0,
      warn: (text: string) => told.push(text),
    };
    pod.strategy.prepareCreate?.(object as never, writing as never);
    expect(object).toMatchObject({
      spec: {
        containers: [{ securityContext: { appArmorProfile: { type: "Localhost", localhostProfile: "strict" } } }],
      },
    });
    expect(told).toEqual([
      `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
    ]);
  });

  test.each<[string, metadata: object, context: object, wrong: string[]]>([
    [
      "name a profile",
      appArmor("other"),
      {},
      [`metadata.annotations[${key}]: Invalid value: "other": invalid AppArmor profile name: "other"`],
    ],
    [
      "are of a container that there is",
      { annotations: { [`${key}2`]: "unconfined" } },
      {},
      [`metadata.annotations[${key}2]: Invalid value: "main2": container not found`],
    ],
    [
      "agree with the field",
      appArmor("unconfined"),
      { appArmorProfile: { type: "RuntimeDefault" } },
      [
        "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match",
      ],
    ],
    [
      "are seccomp's own",
      { annotations: { "seccomp.security.alpha.kubernetes.io/pod": "x" } },
      {},
      [
        'metadata.annotations.seccomp.security.alpha.kubernetes.io/pod: Invalid value: "x": must be a valid seccomp profile',
      ],
    ],
  ])("%s", (_, metadata, securityContext, wrong) =>
    expect(wrongWithNew(pod, { spec: { containers: [{ ...main, securityContext }] } }, metadata)).toEqual(wrong),
  );
});
