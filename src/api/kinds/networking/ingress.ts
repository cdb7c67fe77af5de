import { parseIp } from "../../../base/ip.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressSpec,
  IngressTLS,
  TypedLocalObjectReference,
} from "../../schema/types.ts";
import { addressWarnings, validateIp } from "../../validate/addresses.ts";
import { dnsLabel, dnsSubdomain, pathSegment, portName, wildcardDnsSubdomain } from "../../validate/names.ts";
import { validatePort, validateText } from "../../validate/values.ts";

const classAnnotation = "kubernetes.io/ingress.class";
const shownHosts = 3;

export const ingress = defineKind<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  scope: "Namespaced",
  subresources: { status: true },
  generation: true,
  columns: [
    nameColumn,
    { name: "Class", type: "string", cell: ({ spec }) => spec.ingressClassName ?? "<none>" },
    { name: "Hosts", type: "string", cell: ({ spec }) => hostsText(spec.rules ?? []) },
    {
      name: "Address",
      type: "string",
      cell: ({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).join(","),
    },
    { name: "Ports", type: "string", cell: ({ spec }) => (spec.tls?.length ? "80, 443" : "80") },
    ageColumn,
  ],

  validate: ({ spec = {} }, root) => validateSpec(spec, root.child("spec")),

  // Those that were there before the field may keep the annotation.
  validateCreate({ metadata, spec = {} }, root) {
    const annotated = metadata.annotations?.[classAnnotation];
    const { ingressClassName: name } = spec;
    if (annotated === undefined || name === undefined || annotated === name) return [];
    const at = root.child("annotations").child(classAnnotation);
    return [at.invalid(annotated, "must match `ingressClassName` when both are specified")];
  },

  validateSubresource: (_subresource, { status }, _old, root) =>
    (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
      const at = root.child("status", "loadBalancer", "ingress").index(i);
      return [
        ...(ip ? validateIp(ip, at.child("ip")) : []),
        ...(hostname ? validateText(dnsSubdomain, hostname, at.child("hostname")) : []),
        ...(hostname && parseIp(hostname)
          ? [at.child("hostname").invalid(hostname, "must be a DNS name, not an IP address")]
          : []),
      ];
    }),

  subresourceWarnings: (_subresource, { status }) =>
    (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = "" }, i) =>
      addressWarnings(ip, `status.loadBalancer.ingress[${i}].ip`),
    ),
  warnings: ({ metadata }, old) =>
    metadata.annotations?.[classAnnotation] !== undefined && old?.metadata.annotations?.[classAnnotation] === undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
});

function hostsText(rules: readonly IngressRule[]): string {
  const hosts = rules.map(({ host }) => host ?? "").filter(Boolean);
  if (hosts.length === 0) return "*";
  const shown = hosts.slice(0, shownHosts).join(",");
  return hosts.length > shownHosts ? `${shown} + ${rules.length - shownHosts} more...` : shown;
}

function validateSpec({ rules = [], defaultBackend, tls = [], ingressClassName }: IngressSpec, at: Path): FieldError[] {
  return [
    ...(rules.length === 0 && !defaultBackend
      ? [at.invalid(null, "either `defaultBackend` or `rules` must be specified")]
      : []),
    ...(defaultBackend ? validateBackend(defaultBackend, at.child("defaultBackend")) : []),
    ...rules.flatMap((rule, i) => validateRule(rule, at.child("rules").index(i))),
    ...tls.flatMap((item, i) => validateTls(item, at.child("tls").index(i))),
    ...(ingressClassName === undefined
      ? []
      : validateText(dnsSubdomain, ingressClassName, at.child("ingressClassName"))),
  ];
}

function validateHost(host: string, at: Path): FieldError[] {
  return validateText(host.includes("*") ? wildcardDnsSubdomain : dnsSubdomain, host, at);
}

function validateRule({ host, http }: IngressRule, at: Path): FieldError[] {
  const place = at.child("host");
  const errors: FieldError[] = [];
  if (host && parseIp(host)) errors.push(place.invalid(host, "must be a DNS name, not an IP address"));
  if (host) errors.push(...validateHost(host, place));
  if (!http) return errors;
  const paths = at.child("http", "paths");
  if (!http.paths?.length) return [...errors, paths.required()];
  return [...errors, ...http.paths.flatMap((path, i) => validatePath(path, paths.index(i)))];
}

function validatePath({ path = "", pathType, backend }: HTTPIngressPath, at: Path): FieldError[] {
  // Of a path whose type nobody knows no more is told.
  if (pathType === undefined || pathType === null) return [at.child("pathType").required("pathType must be specified")];
  return [...validatePathText(path, pathType, at), ...validateBackend(backend ?? {}, at.child("backend"))];
}

function validatePathText(path: string, pathType: string, at: Path): FieldError[] {
  const place = at.child("path");
  const absolute = path.startsWith("/") ? [] : [place.invalid(path, "must be an absolute path")];
  switch (pathType) {
    case "Exact":
    case "Prefix":
      return [
        ...absolute,
        ...["//", "/./", "/../", "%2f", "%2F"]
          .filter((sequence) => path.includes(sequence))
          .map((sequence) => place.invalid(path, `must not contain '${sequence}'`)),
        ...["/..", "/."]
          .filter((suffix) => path.endsWith(suffix))
          .map((suffix) => place.invalid(path, `cannot end with '${suffix}'`)),
      ];
    case "ImplementationSpecific":
      return path ? absolute : [];
    default:
      return [at.child("pathType").notSupported(pathType, ["Exact", "ImplementationSpecific", "Prefix"])];
  }
}

function validateBackend({ service, resource }: IngressBackend, at: Path): FieldError[] {
  if (resource && service) return [at.invalid("", "cannot set both resource and service backends")];
  if (resource) return validateResource(resource, at.child("resource"));
  if (!service) return [at.invalid("", "resource or service backend is required")];
  const { name = "", port = {} } = service;
  const place = at.child("service");
  const errors = name ? validateText(dnsLabel, name, place.child("name")) : [place.child("name").required()];
  if (port.name && port.number) return [...errors, at.invalid("", "cannot set both port name & port number")];
  if (port.name) return [...errors, ...validateText(portName, port.name, place.child("port", "name"))];
  if (port.number) return [...errors, ...validatePort(port.number, place.child("port", "number"))];
  return [...errors, at.required("port name or number is required")];
}

function validateResource({ apiGroup, kind = "", name = "" }: TypedLocalObjectReference, at: Path): FieldError[] {
  return [
    ...(apiGroup === undefined ? [] : validateText(dnsSubdomain, apiGroup, at.child("apiGroup"))),
    ...(kind ? validateText(pathSegment, kind, at.child("kind")) : [at.child("kind").required("kind is required")]),
    ...(name ? validateText(pathSegment, name, at.child("name")) : [at.child("name").required("name is required")]),
  ];
}

function validateTls({ hosts = [], secretName }: IngressTLS, at: Path): FieldError[] {
  return [
    ...hosts.flatMap((host, i) => validateHost(host, at.child("hosts").index(i))),
    ...(secretName ? validateText(dnsSubdomain, secretName, at.child("secretName")) : []),
  ];
}
