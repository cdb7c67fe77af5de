import type { FieldError, Path } from "../field.ts";
import type { HostAlias, PodDNSConfig, PodResourceClaim, PodSpec } from "../schema/types.ts";
import { validateIp } from "./addresses.ts";
import { validateAffinity } from "./affinity.ts";
import { validateContainers, validateEphemeralContainers, validateInitContainers } from "./containers.ts";
import { validateLabels } from "./labels.ts";
import { dnsLabel, dnsSubdomain, qualifiedName, relaxedSearchDomain, type TextRule } from "./names.ts";
import { validatePodResources } from "./pod-resources.ts";
import { validateResources } from "./resources.ts";
import {
  everyContainer,
  everySecurityContext,
  validateHostUsers,
  validateOsFields,
  validatePodSecurity,
} from "./security.ts";
import { validateTolerations } from "./tolerations.ts";
import { validateSpread } from "./topology-spread.ts";
import { validateInRange, validateOneOf, validateText } from "./values.ts";
import { validateVolumes } from "./volumes.ts";
import { validateHostProcesses } from "./windows.ts";

/** Where a pod's spec is: in a pod (by the pod's name, as far as it has one) or in a template for pods. */
export interface PodSpecOptions {
  readonly isPod: boolean;
  readonly podName?: string | undefined;
}

/** What is wrong with a pod's spec (API reference, "PodSpec"). */
export function validatePodSpec(spec: PodSpec, at: Path, options: PodSpecOptions): FieldError[] {
  const volumes = validateVolumes(spec.volumes ?? [], options, at.child("volumes"));
  const context = { spec, volumes: volumes.valid };
  return [
    ...(spec.terminationGracePeriodSeconds === undefined ? [at.child("terminationGracePeriodSeconds").required()] : []),
    ...volumes.errors,
    ...validateResourceClaims(spec.resourceClaims ?? [], at.child("resourceClaims")),
    ...validateContainers(context, at.child("containers")),
    ...validateInitContainers(context, at.child("initContainers")),
    ...validateEphemeralContainers(context, at.child("ephemeralContainers")),
    ...validatePodResources(spec, at.child("resources")),
    ...validateHostPorts(spec, options, at.child("containers")),
    ...validateOneOf(spec.restartPolicy, ["Always", "OnFailure", "Never"], at.child("restartPolicy")),
    ...validateOneOf(
      spec.dnsPolicy,
      ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
      at.child("dnsPolicy"),
    ),
    ...validateLabels(spec.nodeSelector, at.child("nodeSelector")),
    ...validatePodSecurity(spec, at.child("securityContext")),
    ...validateAffinity(spec.affinity ?? {}, at.child("affinity")),
    ...validateDnsConfig(spec, at.child("dnsConfig")),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      validateText(qualifiedName, conditionType ?? "", at.child("readinessGates").index(i).child("conditionType")),
    ),
    ...validateSchedulingGates(spec, at.child("schedulingGates")),
    ...validateSpread(spec.topologySpreadConstraints ?? [], at.child("topologySpreadConstraints")),
    ...validateHostProcesses(spec, everySecurityContext(spec, at), at),
    ...validateHostUsers(spec, at),
    ...validateHostnameOverride(spec, at.child("hostnameOverride")),
    ...validateName(spec, at, "serviceAccountName", dnsSubdomain),
    ...validateName(spec, at, "nodeName", dnsSubdomain),
    ...validateInRange(spec.activeDeadlineSeconds, [1, 2147483647], at.child("activeDeadlineSeconds")),
    ...validateName(spec, at, "hostname", dnsLabel),
    ...validateName(spec, at, "subdomain", dnsLabel),
    ...validateTolerations(spec.tolerations ?? [], at.child("tolerations")),
    ...(spec.hostAliases ?? []).flatMap((alias, i) => validateHostAlias(alias, at.child("hostAliases").index(i))),
    ...validateName(spec, at, "priorityClassName", dnsSubdomain),
    ...(spec.runtimeClassName === undefined
      ? []
      : validateText(dnsSubdomain, spec.runtimeClassName, at.child("runtimeClassName"))),
    ...(spec.preemptionPolicy === undefined
      ? []
      : validateOneOf(spec.preemptionPolicy, ["PreemptLowerPriority", "Never"], at.child("preemptionPolicy"))),
    ...(spec.overhead ? validateResources({ limits: spec.overhead }, { claims: new Set() }, at.child("overhead")) : []),
    ...validateOsFields(spec, at),
    ...validateFileVolumes(spec, at),
  ];
}

/** A field that names something, where it does. */
function validateName(
  spec: PodSpec,
  at: Path,
  field: "serviceAccountName" | "nodeName" | "hostname" | "subdomain" | "priorityClassName",
  rule: TextRule,
): FieldError[] {
  const name = spec[field];
  return name ? validateText(rule, name, at.child(field)) : [];
}

const longestHostname = 64;

/** A host name of the pod's own, which neither the host's network nor its full name may contradict. */
function validateHostnameOverride(spec: PodSpec, at: Path): FieldError[] {
  const { hostnameOverride: name, setHostnameAsFQDN, hostNetwork } = spec;
  if (name === undefined) return [];
  return [
    ...(setHostnameAsFQDN ? [at.forbidden("may not be specified when setHostnameAsFQDN is true")] : []),
    ...(hostNetwork ? [at.forbidden("may not be specified when hostNetwork is true")] : []),
    ...(name.length > longestHostname ? [at.tooLong(longestHostname)] : []),
    ...validateText(dnsSubdomain, name, at),
  ];
}

/** Variables are read from files that a container before has written. */
function validateFileVolumes(spec: PodSpec, at: Path): FieldError[] {
  return everyContainer(spec, at).flatMap(([{ env = [] }, place]) =>
    env.flatMap(({ valueFrom }, i) => {
      if (!valueFrom?.fileKeyRef) return [];
      const { volumeName = "" } = valueFrom.fileKeyRef;
      const field = place.child("env").index(i).child("valueFrom", "fileKeyRef", "volumeName");
      const volume = (spec.volumes ?? []).findLast(({ name }) => name === volumeName);
      if (!volume) return [field.notFound(volumeName)];
      return volume.emptyDir ? [] : [field.invalid(volumeName, "referenced volume must be of type emptyDir")];
    }),
  );
}

function validateResourceClaims(claims: readonly PodResourceClaim[], at: Path): FieldError[] {
  const names = new Set<string>();
  return claims.flatMap(({ name = "", resourceClaimName, resourceClaimTemplateName }, i) => {
    const place = at.index(i);
    const errors: FieldError[] = [];
    if (!name) errors.push(place.child("name").required());
    else if (names.has(name)) errors.push(place.child("name").duplicate(name));
    else errors.push(...validateText(dnsLabel, name, place.child("name")));
    names.add(name);
    const shown = {
      Name: name,
      ResourceClaimName: resourceClaimName ?? null,
      ResourceClaimTemplateName: resourceClaimTemplateName ?? null,
    };
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      errors.push(
        place.invalid(shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
      );
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      errors.push(place.invalid(shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    if (resourceClaimName !== undefined)
      errors.push(...validateText(dnsSubdomain, resourceClaimName, place.child("resourceClaimName")));
    if (resourceClaimTemplateName !== undefined)
      errors.push(...validateText(dnsSubdomain, resourceClaimTemplateName, place.child("resourceClaimTemplateName")));
    return errors;
  });
}

/** In the host's network the two ports are one; in a template the host's may still be left out. */
function validateHostPorts({ hostNetwork, containers }: PodSpec, { isPod }: PodSpecOptions, at: Path): FieldError[] {
  if (!hostNetwork) return [];
  return (containers ?? []).flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort = 0, containerPort }, j) =>
      (isPod || hostPort !== 0) && hostPort !== containerPort
        ? [
            at
              .index(i)
              .child("ports")
              .index(j)
              .child("hostPort")
              .invalid(hostPort, "must match `containerPort` when `hostNetwork` is true"),
          ]
        : [],
    ),
  );
}

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, at: Path): FieldError[] {
  if (dnsPolicy === "None") {
    if (!dnsConfig) return [at.required("must provide `dnsConfig` when `dnsPolicy` is None")];
    if (!dnsConfig.nameservers?.length)
      return [at.child("nameservers").required("must provide at least one DNS nameserver when `dnsPolicy` is None")];
  }
  return dnsConfig ? validateResolver(dnsConfig, at) : [];
}

function validateResolver({ nameservers = [], searches = [], options = [] }: PodDNSConfig, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (nameservers.length > maxNameservers)
    errors.push(at.child("nameservers").invalid(nameservers, `must not have more than ${maxNameservers} nameservers`));
  errors.push(...nameservers.flatMap((ip, i) => validateIp(ip, at.child("nameservers").index(i))));
  const place = at.child("searches");
  if (searches.length > maxSearches)
    errors.push(place.invalid(searches, `must not have more than ${maxSearches} search paths`));
  if (searches.join(" ").length > maxSearchCharacters)
    errors.push(
      place.invalid(
        searches,
        `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`,
      ),
    );
  for (const [i, search] of searches.entries())
    if (search !== ".") errors.push(...validateText(relaxedSearchDomain, search.replace(/\.$/, ""), place.index(i)));
  for (const [i, { name }] of options.entries())
    if (!name) errors.push(at.child("options").index(i).required("must not be empty"));
  return errors;
}

function validateSchedulingGates({ schedulingGates = [] }: PodSpec, at: Path): FieldError[] {
  return schedulingGates.flatMap(({ name = "" }, i) => [
    ...validateText(qualifiedName, name, at.index(i)),
    ...(schedulingGates.findIndex((gate) => gate.name === name) < i ? [at.index(i).duplicate(name)] : []),
  ]);
}

function validateHostAlias({ ip, hostnames = [] }: HostAlias, at: Path): FieldError[] {
  return [
    ...validateIp(ip ?? "", at.child("ip")),
    ...hostnames.flatMap((name, i) => validateText(dnsSubdomain, name, at.child("hostnames").index(i))),
  ];
}
