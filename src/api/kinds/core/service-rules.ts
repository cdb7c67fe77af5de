import { parseIp } from "../../../base/ip.ts";
import { type FieldError, Path } from "../../field.ts";
import type { Service, ServicePort, ServiceSpec } from "../../schema/types.ts";
import { validateCidr, validateIp, validateNonSpecialIp } from "../../validate/addresses.ts";
import { validateLabels } from "../../validate/labels.ts";
import { dnsLabel, dnsSubdomain, qualifiedName } from "../../validate/names.ts";
import { validatePortNumberOrName } from "../../validate/probes.ts";
import { validateOneOf, validatePort, validateText } from "../../validate/values.ts";
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from "./service-changes.ts";

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols = ["SCTP", "TCP", "UDP"];
const longestAffinitySeconds = 86_400;
const topologyMode = "service.kubernetes.io/topology-mode";
const topologyHints = "service.kubernetes.io/topology-aware-hints";
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";
const sourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";

export function validateService(service: Service, root: Path): FieldError[] {
  const { spec } = service;
  const at = root.child("spec");
  const ports = spec.ports ?? [];
  return [
    ...validateTopologyAnnotations(service, root.child("metadata", "annotations")),
    ...(ports.length === 0 && !isHeadless(spec) && spec.type !== "ExternalName" ? [at.child("ports").required()] : []),
    ...validateType(spec, at),
    ...validatePorts(ports, at.child("ports")),
    ...validateLabels(spec.selector, at.child("selector")),
    ...validateAffinity(spec, at),
    ...validateClusterIps(spec, at),
    ...(spec.externalIPs ?? []).flatMap((ip, i) => {
      const wrong = validateIp(ip, at.child("externalIPs").index(i));
      return wrong.length > 0 ? wrong : validateNonSpecialIp(ip, at.child("externalIPs").index(i));
    }),
    ...validateOneOf(spec.type, types, at.child("type")),
    ...(spec.type === "ClusterIP" ? forbidNodePorts(ports, at.child("ports")) : []),
    ...validateUniquePorts(ports, at.child("ports")),
    ...validateBalancerFields(service, at),
    ...validatePolicies(spec, at),
  ];
}

/** An annotation that has got another name says the same under both. */
function validateTopologyAnnotations({ metadata: { annotations = {} } }: Service, at: Path): FieldError[] {
  const [mode, hints] = [annotations[topologyMode], annotations[topologyHints]];
  return mode !== undefined && hints !== undefined && mode !== hints
    ? [at.key(topologyMode).invalid(mode, `must match annotations[${topologyHints}] when both are specified`)]
    : [];
}

function validateType(spec: ServiceSpec, at: Path): FieldError[] {
  const { type = "" } = spec;
  if (type === "LoadBalancer" || type === "NodePort")
    return isHeadless(spec)
      ? [at.child("clusterIPs").index(0).invalid("None", `may not be set to 'None' for ${type} services`)]
      : [];
  if (type !== "ExternalName") return [];
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  return [
    ...(["clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const)
      .filter((field) => (spec[field]?.length ?? 0) > 0)
      .map((field) => at.child(field).forbidden("may not be set for ExternalName services")),
    ...(name ? validateText(dnsSubdomain, name, at.child("externalName")) : [at.child("externalName").required()]),
  ];
}

function validatePorts(ports: readonly ServicePort[], at: Path): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name = "", port = 0, protocol = "", targetPort = 0, appProtocol }, i) => {
    const place = at.index(i);
    const errors: FieldError[] = [];
    if (!name && ports.length > 1) errors.push(place.child("name").required());
    else if (name) {
      errors.push(...validateText(dnsLabel, name, place.child("name")));
      if (names.has(name)) errors.push(place.child("name").duplicate(name));
      names.add(name);
    }
    errors.push(...validatePort(port, place.child("port")));
    errors.push(...validateOneOf(protocol, protocols, place.child("protocol")));
    errors.push(...validatePortNumberOrName(targetPort, place.child("targetPort")));
    if (appProtocol !== undefined) errors.push(...validateText(qualifiedName, appProtocol, place.child("appProtocol")));
    return errors;
  });
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, at: Path): FieldError[] {
  const errors = validateOneOf(sessionAffinity, ["ClientIP", "None"], at.child("sessionAffinity"));
  const place = at.child("sessionAffinityConfig");
  if (sessionAffinity === "None" && sessionAffinityConfig)
    errors.push(place.forbidden("must not be set when session affinity is None"));
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0;
  if (sessionAffinity === "ClientIP" && (seconds <= 0 || seconds > longestAffinitySeconds))
    errors.push(
      place
        .child("clientIP", "timeoutSeconds")
        .invalid(seconds, `must be greater than 0 and less than ${longestAffinitySeconds}`),
    );
  return errors;
}

/** Addresses, their families and the policy for them, as far as they can be judged without the cluster's own. */
export function validateClusterIps(spec: ServiceSpec, at: Path): FieldError[] {
  if (spec.type === "ExternalName") return [];
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const place = at.child("clusterIPs");
  const errors: FieldError[] = [];
  if (clusterIP && clusterIPs.length === 0) errors.push(place.required());
  else if (clusterIP && clusterIPs[0] !== clusterIP)
    errors.push(place.invalid(clusterIPs, "first value must match `clusterIP`"));
  else if (!clusterIP && clusterIPs.length > 0)
    errors.push(place.invalid(clusterIPs, "must be empty when `clusterIP` is not specified"));
  for (const [i, family] of ipFamilies.entries()) {
    errors.push(...validateOneOf(family, ["IPv4", "IPv6"], at.child("ipFamilies").index(i)));
    if (ipFamilies.indexOf(family) < i) errors.push(at.child("ipFamilies").index(i).duplicate(family));
  }
  if (ipFamilyPolicy !== undefined)
    errors.push(
      ...validateOneOf(
        ipFamilyPolicy,
        ["PreferDualStack", "RequireDualStack", "SingleStack"],
        at.child("ipFamilyPolicy"),
      ),
    );
  return [...errors, ...validateAddressList(spec, place)];
}

function validateAddressList(spec: ServiceSpec, at: Path): FieldError[] {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  const errors: FieldError[] = [];
  let unreadable = false;
  for (const [i, ip] of clusterIPs.entries()) {
    const wrong =
      i === 0 && ip === "None"
        ? clusterIPs.length > 1
          ? [at.invalid(clusterIPs, "'None' must be the first and only value")]
          : []
        : validateIp(ip, at.index(i));
    unreadable ||= wrong.length > 0;
    errors.push(...wrong);
  }
  if (clusterIPs.length > 2) errors.push(at.invalid(clusterIPs, "may only hold up to 2 values"));
  if (unreadable) return errors;
  const families = clusterIPs.map((ip) => (parseIp(ip)?.family === 6 ? "IPv6" : "IPv4"));
  if (clusterIPs.length > 1 && new Set(families).size < 2)
    errors.push(at.invalid(clusterIPs, "may specify no more than one IP for each IP family"));
  if (isHeadless(spec)) return errors;
  for (const [i, family] of families.entries())
    if (ipFamilies[i] && ipFamilies[i] !== family && (ipFamilies[i] === "IPv4" || ipFamilies[i] === "IPv6"))
      errors.push(
        at.index(i).invalid(clusterIPs[i], `expected an ${ipFamilies[i]} value as indicated by \`ipFamilies[${i}]\``),
      );
  return errors;
}

function forbidNodePorts(ports: readonly ServicePort[], at: Path): FieldError[] {
  return ports.flatMap(({ nodePort }, i) =>
    nodePort ? [at.index(i).child("nodePort").forbidden("may not be used when `type` is 'ClusterIP'")] : [],
  );
}

function validateUniquePorts(ports: readonly ServicePort[], at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  const repeated = (key: string) => {
    const known = seen.has(key);
    seen.add(key);
    return known;
  };
  for (const [i, { protocol, nodePort }] of ports.entries())
    if (nodePort && repeated(`node ${protocol} ${nodePort}`))
      errors.push(at.index(i).child("nodePort").duplicate(nodePort));
  for (const [i, { protocol, port }] of ports.entries())
    if (repeated(`${protocol} ${port}`))
      errors.push(
        at
          .index(i)
          .duplicate({ Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }),
      );
  return errors;
}

function validateBalancerFields({ metadata, spec }: Service, at: Path): FieldError[] {
  const balanced = spec.type === "LoadBalancer";
  const errors: FieldError[] = [];
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const place = at.child("LoadBalancerSourceRanges");
  if (ranges.length > 0 && !balanced) errors.push(place.forbidden(onlyBalanced));
  errors.push(...ranges.flatMap((range, i) => validateCidr(range.trim(), place.index(i))));
  const annotated = metadata.annotations?.[sourceRanges];
  if (ranges.length === 0 && annotated !== undefined) {
    const key = new Path().child("metadata", "annotations").key(sourceRanges);
    if (!balanced) errors.push(key.forbidden(onlyBalanced));
    const cidrs = annotated.trim() === "" ? [] : annotated.split(",");
    errors.push(...cidrs.flatMap((cidr) => validateCidr(cidr.trim(), key)));
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced)
    errors.push(at.child("allocateLoadBalancerNodePorts").forbidden(onlyBalanced));
  return [...errors, ...validateLoadBalancerClass(spec, at.child("loadBalancerClass"))];
}

function validateLoadBalancerClass({ type, loadBalancerClass: name }: ServiceSpec, at: Path): FieldError[] {
  if (name === undefined) return [];
  return type === "LoadBalancer" ? validateText(qualifiedName, name, at) : [at.forbidden(onlyBalanced)];
}

function validatePolicies(spec: ServiceSpec, at: Path): FieldError[] {
  const { externalTrafficPolicy = "", healthCheckNodePort, internalTrafficPolicy, trafficDistribution } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec))
    errors.push(...validateOneOf(externalTrafficPolicy, ["Cluster", "Local"], at.child("externalTrafficPolicy")));
  else if (externalTrafficPolicy)
    errors.push(
      at
        .child("externalTrafficPolicy")
        .invalid(externalTrafficPolicy, "may only be set for externally-accessible services"),
    );
  if (healthCheckNodePort && !needsHealthCheckPort(spec))
    errors.push(
      at
        .child("healthCheckNodePort")
        .invalid(
          healthCheckNodePort,
          "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
    );
  if (healthCheckNodePort && needsHealthCheckPort(spec))
    errors.push(...validatePort(healthCheckNodePort, at.child("healthCheckNodePort")));
  if (internalTrafficPolicy !== undefined)
    errors.push(...validateOneOf(internalTrafficPolicy, ["Cluster", "Local"], at.child("internalTrafficPolicy")));
  if (trafficDistribution !== undefined)
    errors.push(
      ...validateOneOf(
        trafficDistribution,
        ["PreferClose", "PreferSameZone", "PreferSameNode"],
        at.child("trafficDistribution"),
      ),
    );
  return errors;
}

export function validateServiceUpdate({ spec }: Service, old: Service, root: Path): FieldError[] {
  const at = root.child("spec");
  const errors: FieldError[] = [];
  if (spec.type !== "ExternalName" && old.spec.type !== "ExternalName") {
    errors.push(...validateClusterIpChange(spec, old.spec, at));
    if (!isHeadless(spec) && !isHeadless(old.spec)) errors.push(...validateFamilyChange(spec, old.spec, at));
  }
  if (
    spec.type === "LoadBalancer" &&
    old.spec.type === "LoadBalancer" &&
    spec.loadBalancerClass !== old.spec.loadBalancerClass
  )
    errors.push(at.child("loadBalancerClass").invalid(spec.loadBalancerClass, "may not change once set"));
  // Once more: what is checked of changes and of Services overlaps.
  errors.push(...validateLoadBalancerClass(spec, at.child("loadBalancerClass")));
  if (
    needsHealthCheckPort(old.spec) &&
    needsHealthCheckPort(spec) &&
    old.spec.healthCheckNodePort !== spec.healthCheckNodePort
  )
    errors.push(at.child("healthCheckNodePort").forbidden("field is immutable"));
  return errors;
}

function validateClusterIpChange(spec: ServiceSpec, old: ServiceSpec, at: Path): FieldError[] {
  const [after, before] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  if (isHeadless(spec) && isHeadless(old)) return [];
  const place = at.child("clusterIPs");
  const changed = (i: number) => place.index(i).invalid(after, "may not change once set");
  if (after.length === before.length) return before.flatMap((ip, i) => (ip === after[i] ? [] : [changed(i)]));
  const errors: FieldError[] = [];
  if (before.length > after.length && after.length === 0)
    errors.push(place.index(0).invalid(spec.clusterIPs, "primary clusterIP can not be unset"));
  if (after.length > 0 && before.length > 0 && after[0] !== before[0]) errors.push(changed(0));
  if (before.length > after.length && after.length === 1 && spec.ipFamilyPolicy !== "SingleStack")
    errors.push(
      at
        .child("ipFamilyPolicy")
        .invalid(spec.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary clusterIP"),
    );
  return errors;
}

function validateFamilyChange(spec: ServiceSpec, old: ServiceSpec, at: Path): FieldError[] {
  const [after, before] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  const place = at.child("ipFamilies").index(0);
  if (after.length === before.length)
    return before.flatMap((family, i) =>
      family === after[i] ? [] : [place.invalid(after, "may not change once set")],
    );
  const errors: FieldError[] = [];
  if (before.length > after.length && !spec.clusterIPs?.length)
    errors.push(place.invalid(after, "primary ipFamily can not be unset"));
  if (after.length > 0 && before.length > 0 && after[0] !== before[0])
    errors.push(place.invalid(spec.clusterIPs, "may not change once set"));
  if (before.length > after.length && after.length === 1 && spec.ipFamilyPolicy !== "SingleStack")
    errors.push(
      at
        .child("ipFamilyPolicy")
        .invalid(spec.ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary ipFamily"),
    );
  return errors;
}

export function validateLoadBalancerStatus({ spec, status }: Service, at: Path): FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec.type !== "LoadBalancer" && ingress.length > 0)
    return [at.forbidden("may only be used when `spec.type` is 'LoadBalancer'")];
  return ingress.flatMap(({ ip, hostname, ipMode }, i) => {
    const place = at.index(i);
    const errors: FieldError[] = ip ? validateIp(ip, place.child("ip")) : [];
    if (ipMode === undefined && ip) errors.push(place.child("ipMode").required("must be specified when `ip` is set"));
    else if (ipMode !== undefined && !ip)
      errors.push(place.child("ipMode").forbidden("may not be specified when `ip` is not set"));
    else if (ipMode !== undefined) errors.push(...validateOneOf(ipMode, ["Proxy", "VIP"], place.child("ipMode")));
    if (hostname) {
      errors.push(...validateText(dnsSubdomain, hostname, place.child("hostname")));
      if (parseIp(hostname))
        errors.push(place.child("hostname").invalid(hostname, "must be a DNS name, not an IP address"));
    }
    return errors;
  });
}
