import { isDeepStrictEqual } from "node:util";
import { parseIp } from "../../../base/ip.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice } from "../../schema/types.ts";
import { addressWarnings, validateIp, validateNonSpecialIp } from "../../validate/addresses.ts";
import { validateLabels } from "../../validate/labels.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName, type TextRule } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const maxTopologyLabels = 16;
const maxHints = 8;
const shownAtMost = 3;

export const endpointSlice = defineKind<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  scope: "Namespaced",
  createOnUpdate: true,
  generation: true,
  // Who serves a Service is said by labels: they count as a change of what is wanted.
  raisesGeneration: (after, before) =>
    !isDeepStrictEqual({ ...after, metadata: after.metadata.labels }, { ...before, metadata: before.metadata.labels }),
  immutable: ["addressType"],
  columns: [
    nameColumn,
    { name: "AddressType", type: "string", cell: ({ addressType }) => addressType },
    {
      name: "Ports",
      type: "string",
      cell: ({ ports }) => someOf((ports ?? []).map(({ port, name }) => String(port ?? name ?? "*"))),
    },
    {
      name: "Endpoints",
      type: "string",
      cell: ({ endpoints }) => someOf((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    },
    ageColumn,
  ],

  defaults({ ports }) {
    for (const port of ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },

  warnings: ({ addressType, endpoints }) => [
    ...(addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : []),
    ...(addressType === "FQDN" ? [] : (endpoints ?? [])).flatMap(({ addresses = [] }, i) =>
      addresses.flatMap((address, j) => addressWarnings(address, `endpoints[${i}].addresses[${j}]`)),
    ),
  ],

  validate: ({ addressType = "", endpoints, ports }, root) => [
    ...validateAddressType(addressType, root.child("addressType")),
    ...validateEndpoints(endpoints ?? [], addressType, root.child("endpoints")),
    ...validatePorts(ports ?? [], root.child("ports")),
  ],
});

/** The first three, and how many more there are. */
function someOf(texts: readonly string[]): string {
  const shown = texts.slice(0, shownAtMost).join(",");
  return texts.length > shownAtMost ? `${shown} + ${texts.length - shownAtMost} more...` : shown || "<unset>";
}

function validateAddressType(type: string, at: Path): FieldError[] {
  return type ? validateOneOf(type, ["FQDN", "IPv4", "IPv6"], at) : [at.required()];
}

function validateEndpoints(endpoints: readonly Endpoint[], addressType: string, at: Path): FieldError[] {
  if (endpoints.length > maxEndpoints) return [at.tooMany(endpoints.length, maxEndpoints)];
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, addressType, at.index(i)));
}

function validateEndpoint(endpoint: Endpoint, addressType: string, at: Path): FieldError[] {
  const { hostname, nodeName, deprecatedTopology = {}, hints } = endpoint;
  const addresses = endpoint.addresses ?? [];
  const place = at.child("addresses");
  return [
    ...(addresses.length === 0 ? [place.required("must contain at least 1 address")] : []),
    ...(addresses.length > maxAddresses ? [place.tooMany(addresses.length, maxAddresses)] : []),
    ...addresses.flatMap((address, i) => validateAddress(address, addressType, place.index(i))),
    ...(Object.keys(deprecatedTopology).length > maxTopologyLabels
      ? [at.child("deprecatedTopology").tooMany(Object.keys(deprecatedTopology).length, maxTopologyLabels)]
      : []),
    ...validateLabels(deprecatedTopology, at.child("deprecatedTopology")),
    ...(hostname === undefined ? [] : validateText(dnsLabel, hostname, at.child("hostname"))),
    ...(nodeName === undefined ? [] : validateText(dnsSubdomain, nodeName, at.child("nodeName"))),
    ...validateHints(hints?.forZones ?? [], labelValue, at.child("hints", "forZones")),
    ...validateHints(hints?.forNodes ?? [], dnsSubdomain, at.child("hints", "forNodes")),
  ];
}

/** Where traffic for an endpoint should come from. */
function validateHints(hints: readonly { name: string }[], rule: TextRule, at: Path): FieldError[] {
  if (hints.length > maxHints) return [at.tooMany(hints.length, maxHints)];
  return hints.flatMap(({ name }, i) => [
    ...(hints.findIndex((other) => other.name === name) < i ? [at.index(i).child("name").duplicate(name)] : []),
    ...validateText(rule, name, at.index(i).child("name")),
  ]);
}

function validateAddress(address: string, type: string, at: Path): FieldError[] {
  if (type === "FQDN") return validateFullName(address, at);
  if (type !== "IPv4" && type !== "IPv6") return [];
  const wrong = validateIp(address, at);
  if (wrong.length > 0) return wrong;
  const family = type === "IPv6" ? 6 : 4;
  return [
    ...(parseIp(address)?.family === family ? [] : [at.invalid(address, `must be an IPv${family} address`)]),
    ...validateNonSpecialIp(address, at),
  ];
}

/** A domain name of at least two labels; a dot may end it. */
function validateFullName(given: string, at: Path): FieldError[] {
  if (given === "") return [at.required()];
  const name = given.replace(/\.$/, "");
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0) return [at.invalid(name, wrong.join(","))];
  const labels = name.split(".");
  if (labels.length < 2) return [at.invalid(name, "should be a domain with at least two segments separated by dots")];
  return labels.flatMap((label) => validateText(dnsLabel, label, at));
}

function validatePorts(ports: readonly DiscoveryV1EndpointPort[], at: Path): FieldError[] {
  if (ports.length > maxPorts) return [at.tooMany(ports.length, maxPorts)];
  const names = ports.map(({ name = "" }) => name);
  return ports.flatMap(({ name = "", protocol, appProtocol }, i) => {
    const place = at.index(i);
    return [
      ...(name ? validateText(dnsLabel, name, place.child("name")) : []),
      ...(names.indexOf(name) < i ? [place.child("name").duplicate(name)] : []),
      ...validateOneOf(protocol, ["SCTP", "TCP", "UDP"], place.child("protocol")),
      ...(appProtocol === undefined ? [] : validateText(qualifiedName, appProtocol, place.child("appProtocol"))),
    ];
  });
}
