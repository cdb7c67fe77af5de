import { labelWarnings, requirementWarnings, termWarnings } from "../../label-warnings.ts";
import type { ObjectMeta } from "../../object.ts";
import type { Affinity, Container, ContainerPort, Pod, PodSpec, PodTemplateSpec, Volume } from "../../schema/types.ts";
import { addressWarnings } from "../../validate/addresses.ts";
import { dnsLabel } from "../../validate/names.ts";
import { fractionWarning } from "../../validate/values.ts";
import { claimSpecWarnings } from "./claim-warnings.ts";
import { pathWarnings } from "./path-warnings.ts";

/*
 * What is allowed in a pod and yet seldom meant, or means nothing any more. Places are texts: a pod's own begin with
 * "spec", those of a template with the template's place.
 */

const seccompPodAnnotation = "seccomp.security.alpha.kubernetes.io/pod";
const seccompContainerAnnotation = "container.seccomp.security.alpha.kubernetes.io/";
const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";
const useSeccompField = 'non-functional in v1.27+; use the "seccompProfile" field instead';

const outdatedAnnotations = [
  ["scheduler.alpha.kubernetes.io/critical-pod", 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ["security.alpha.kubernetes.io/sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
  ["security.alpha.kubernetes.io/unsafe-sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
] as const;

/** Sources of volumes that are on their way out, under the names by which clients are told of them. */
const outdatedSources: readonly (readonly [source: keyof Volume, shown: string, fate: string])[] = [
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["ephemeral", "", ""],
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

/** What the client that makes a pod should know. Changes are made by machines, which nobody warns. */
export function podWarnings({ metadata, spec }: Pod, old: Pod | undefined): string[] {
  if (old) return [];
  const wrongName = dnsLabel(metadata.name);
  return [
    ...(wrongName.length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${wrongName.join(" ")}]`,
        ]
      : []),
    ...podSpecWarnings(spec, metadata.annotations, ""),
  ];
}

/** The same for a template; `at` is its place. */
export function podTemplateWarnings({ metadata, spec }: PodTemplateSpec, at: string): string[] {
  return spec ? podSpecWarnings(spec, metadata?.annotations, `${at}.`) : [];
}

/** Of a pod's own annotations for AppArmor is told when they become fields. */
function podSpecWarnings(spec: PodSpec, annotations: ObjectMeta["annotations"] = {}, prefix: string): string[] {
  const at = `${prefix}spec`;
  const annotationWarning = (key: string, text: string) =>
    annotations[key] === undefined ? [] : [`${prefix}metadata.annotations[${key}]: ${text}`];
  const containers = everyContainer(spec, at);
  const ports = new Map<string, { place: string; port: ContainerPort }[]>();
  return [
    ...labelWarnings(Object.keys(spec.nodeSelector ?? {}), (label) => `${at}.nodeSelector[${label}]`),
    ...nodeAffinityWarnings(spec.affinity?.nodeAffinity, `${at}.affinity.nodeAffinity`),
    ...(spec.topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, i) => [
      ...requirementWarnings(topologyKey, `${at}.topologySpreadConstraints[${i}].topologyKey`),
      ...nullSelectorWarning(labelSelector, `${at}.topologySpreadConstraints[${i}].labelSelector`),
    ]),
    ...outdatedAnnotations.flatMap(([key, text]) => annotationWarning(key, text)),
    ...(spec.volumes ?? []).flatMap((volume, i) => volumeWarnings(volume, `${at}.volumes[${i}]`)),
    ...pathWarnings(spec.volumes ?? []),
    ...repeated((spec.hostAliases ?? []).map(({ ip = "" }) => ip)).map(
      ([i, ip]) => `${at}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`,
    ),
    ...repeated((spec.imagePullSecrets ?? []).map(({ name = "" }) => name)).map(
      ([i, name]) => `${at}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(name)}`,
    ),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, i) =>
      name ? [] : [`${at}.imagePullSecrets[${i}].name: invalid empty name ""`],
    ),
    ...byteResources.flatMap((name) => fractionWarning(spec.overhead?.[name], `${at}.overhead[${name}]`)),
    ...(spec.securityContext?.seccompProfile ? [] : annotationWarning(seccompPodAnnotation, useSeccompField)),
    ...containers.flatMap(([container, place]) => [
      ...(container.securityContext?.seccompProfile
        ? []
        : annotationWarning(`${seccompContainerAnnotation}${container.name}`, useSeccompField)),
      ...(prefix === "" || spec.securityContext?.appArmorProfile || container.securityContext?.appArmorProfile
        ? []
        : annotationWarning(
            `${appArmorAnnotation}${container.name}`,
            'deprecated since v1.30; use the "appArmorProfile" field instead',
          )),
      ...containerWarnings(container, place),
    ]),
    ...containers.flatMap(([{ ports: list = [] }, place]) =>
      list.flatMap((port, i) => portWarnings(port, `${place}.ports[${i}]`, ports)),
    ),
    ...portNameWarnings(containers),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...(["podAffinity", "podAntiAffinity"] as const).flatMap((field) =>
      podAffinityWarnings(spec.affinity?.[field], `${at}.affinity.${field}`),
    ),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ip, i) => addressWarnings(ip, `${at}.dnsConfig.nameservers[${i}]`)),
    ...(spec.hostAliases ?? []).flatMap(({ ip = "" }, i) => addressWarnings(ip, `${at}.hostAliases[${i}].ip`)),
  ];
}

const byteResources = ["memory", "ephemeral-storage"] as const;

function everyContainer(spec: PodSpec, at: string): [container: Container, place: string][] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, i): [Container, string] => [container, `${at}.${list}[${i}]`]),
  );
}

/** Values that stood in the list before, with their positions. */
function repeated(list: readonly string[]): [position: number, value: string][] {
  return [...list.entries()].filter(([i, value]) => list.indexOf(value) < i);
}

function nullSelectorWarning(selector: unknown, at: string): string[] {
  return selector ? [] : [`${at}: a null labelSelector results in matching no pod`];
}

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

function nodeAffinityWarnings(affinity: Affinity["nodeAffinity"], at: string): string[] {
  return [
    ...(affinity?.[required]?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      termWarnings(term, {}, `${at}.${required}.nodeSelectorTerms[${i}]`),
    ),
    ...(affinity?.[preferred] ?? []).flatMap(({ preference }, i) =>
      termWarnings(preference, { checkValues: true }, `${at}.${preferred}[${i}].preference`),
    ),
  ];
}

function podAffinityWarnings(affinity: Affinity["podAffinity"], at: string): string[] {
  return [
    ...(affinity?.[required] ?? []).flatMap(({ labelSelector }, i) =>
      nullSelectorWarning(labelSelector, `${at}.${required}[${i}].labelSelector`),
    ),
    ...(affinity?.[preferred] ?? []).flatMap(({ podAffinityTerm }, i) =>
      nullSelectorWarning(podAffinityTerm?.labelSelector, `${at}.${preferred}[${i}].podAffinityTerm.labelSelector`),
    ),
  ];
}

function volumeWarnings(volume: Volume, at: string): string[] {
  return outdatedSources.flatMap(([source, shown, fate]) => {
    if (!volume[source]) return [];
    if (source !== "ephemeral") return [`${at}.${shown}: ${fate}`];
    return claimSpecWarnings(volume.ephemeral?.volumeClaimTemplate?.spec, `${at}.ephemeral.volumeClaimTemplate.spec`);
  });
}

function containerWarnings({ env = [], resources }: Container, at: string): string[] {
  const names = env.map(({ name }) => name);
  return [
    ...byteResources.flatMap((resource) =>
      (["limits", "requests"] as const).flatMap((list) =>
        fractionWarning(resources?.[list]?.[resource], `${at}.resources.${list}[${resource}]`),
      ),
    ),
    ...repeated(names).flatMap(([i, name]) => {
      const { value = "", valueFrom } = env[i] ?? {};
      const builds = !valueFrom && value !== `$(${name})` && value.includes(`$(${name})`);
      return builds
        ? []
        : [
            `${at}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
          ];
    }),
  ];
}

/** Of ports with the same name only the first one is found by it. */
function portNameWarnings(containers: readonly [container: Container, place: string][]): string[] {
  const first = new Map<string, string>();
  return containers.flatMap(([{ ports = [] }, place]) =>
    ports.flatMap(({ name = "" }, i) => {
      const at = `${place}.ports[${i}]`;
      const other = first.get(name);
      if (!name || other === undefined) {
        first.set(name, at);
        return [];
      }
      return [
        `${at}: duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`,
      ];
    }),
  );
}

/** A port that another one clashes with, or seems to. `seen`: those before it, by number and protocol. */
function portWarnings(
  port: ContainerPort,
  at: string,
  seen: Map<string, { place: string; port: ContainerPort }[]>,
): string[] {
  const { name = "", hostIP = "", hostPort = 0, containerPort, protocol = "" } = port;
  const warnings: string[] = [];
  if (hostIP && hostPort === 0)
    warnings.push(
      `${at}: hostIP set without hostPort: {Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`,
    );
  const key = `${containerPort}/${protocol}`;
  const others = seen.get(key) ?? [];
  for (const { place, port: other } of others) {
    const [otherIp, otherPort] = [other.hostIP ?? "", other.hostPort ?? 0];
    if (hostIP === otherIp && hostPort === otherPort) warnings.push(`${at}: duplicate port definition with ${place}`);
    else if (hostPort === 0 || otherPort === 0) warnings.push(`${at}: overlapping port definition with ${place}`);
    else if (hostPort === otherPort && (hostIP === "") !== (otherIp === ""))
      warnings.push(`${at}: dangerously ambiguous port definition with ${place}`);
  }
  seen.set(key, [...others, { place: at, port }]);
  return warnings;
}
