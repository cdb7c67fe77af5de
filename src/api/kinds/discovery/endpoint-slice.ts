import { isDeepStrictEqual } from "node:util";
import { parseIp } from "../../../base/ip.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice } from "../../schema/types.ts";
import { dnsLabel, dnsSubdomain, qualifiedName } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
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
  const { hostname, nodeName } = endpoint;
  const addresses = endpoint.addresses ?? [];
  const place = at.child("addresses");
  return [
    ...(addresses.length === 0 ? [place.required("must contain at least 1 address")] : []),
    ...(addresses.length > maxAddresses ? [place.tooMany(addresses.length, maxAddresses)] : []),
    ...addresses.flatMap((address, i) => validateAddress(address, addressType, place.index(i))),
    ...(nodeName === undefined ? [] : validateText(dnsSubdomain, nodeName, at.child("nodeName"))),
    ...(hostname === undefined ? [] : validateText(dnsLabel, hostname, at.child("hostname"))),
  ];
}

function validateAddress(address: string, type: string, at: Path): FieldError[] {
  if (type === "FQDN") return validateText(dnsSubdomain, address, at);
  const family = type === "IPv6" ? 6 : 4;
  const ip = parseIp(address);
  if (!ip) return [at.invalid(address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  return ip.family === family ? [] : [at.invalid(address, `must be an IPv${family} address`)];
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
