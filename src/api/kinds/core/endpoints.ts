import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { EndpointAddress, EndpointPort, Endpoints } from "../../schema/types.ts";
import { addressWarnings, validateIp, validateNonSpecialIp } from "../../validate/addresses.ts";
import { dnsLabel, dnsSubdomain, qualifiedName } from "../../validate/names.ts";
import { validateOneOf, validatePort, validateText } from "../../validate/values.ts";

const mostShown = 3;

export const endpoints = defineKind<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  shortNames: ["ep"],
  scope: "Namespaced",
  createOnUpdate: true,
  columns: [nameColumn, { name: "Endpoints", type: "string", cell: shownEndpoints }, ageColumn],

  defaults({ subsets }) {
    for (const subset of subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
  },

  // The controller's own are canonical.
  warnings: ({ metadata, subsets = [] }) =>
    metadata.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller"
      ? []
      : subsets.flatMap((subset, i) =>
          (["addresses", "notReadyAddresses"] as const).flatMap((list) =>
            (subset[list] ?? []).flatMap(({ ip }, j) => addressWarnings(ip, `subsets[${i}].${list}[${j}].ip`)),
          ),
        ),

  validate: ({ subsets = [] }, root) =>
    subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => {
      const at = root.child("subsets").index(i);
      return [
        ...(addresses.length + notReadyAddresses.length === 0
          ? [at.required("must specify `addresses` or `notReadyAddresses`")]
          : []),
        ...addresses.flatMap((address, j) => validateAddress(address, at.child("addresses").index(j))),
        ...notReadyAddresses.flatMap((address, j) => validateAddress(address, at.child("notReadyAddresses").index(j))),
        ...ports.flatMap((port, j) => validateEndpointPort(port, ports.length > 1, at.child("ports").index(j))),
      ];
    }),
});

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, at: Path): FieldError[] {
  return [
    ...validateIp(ip ?? "", at.child("ip")),
    ...(hostname ? validateText(dnsLabel, hostname, at.child("hostname")) : []),
    ...(nodeName === undefined ? [] : validateText(dnsSubdomain, nodeName, at.child("nodeName"))),
    ...validateNonSpecialIp(ip ?? "", at.child("ip")),
  ];
}

function validateEndpointPort(
  { name = "", port, protocol, appProtocol }: EndpointPort,
  needsName: boolean,
  at: Path,
): FieldError[] {
  return [
    ...(name ? validateText(dnsLabel, name, at.child("name")) : needsName ? [at.child("name").required()] : []),
    ...validatePort(port ?? 0, at.child("port")),
    ...validateOneOf(protocol, ["SCTP", "TCP", "UDP"], at.child("protocol")),
    ...(appProtocol === undefined ? [] : validateText(qualifiedName, appProtocol, at.child("appProtocol"))),
  ];
}

function shownEndpoints({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports }) =>
    ports?.length
      ? ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)))
      : addresses.map(({ ip }) => ip),
  );
  if (subsets.length === 0) return "<none>";
  const shown = all.slice(0, mostShown).join(",");
  return all.length > mostShown ? `${shown} + ${all.length - mostShown} more...` : shown;
}
