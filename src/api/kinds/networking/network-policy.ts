import { parseCidr } from "../../../base/ip.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../../schema/types.ts";
import { isStrictSubset, networkWarnings, validateCidr } from "../../validate/addresses.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { portName } from "../../validate/names.ts";
import { validateOneOf, validatePort, validateText } from "../../validate/values.ts";
import { shownSelector } from "../apps/workload.ts";

export const networkPolicy = defineKind<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  scope: "Namespaced",
  generation: true,
  judgedTwice: "spec",
  columns: [
    nameColumn,
    { name: "Pod-Selector", type: "string", cell: ({ spec }) => shownSelector(spec?.podSelector) },
    ageColumn,
  ],

  defaults({ spec }) {
    if (!spec) return;
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of ports ?? []) port.protocol ??= "TCP";
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
  },

  warnings: ({ spec }) => [
    ...(spec?.ingress ?? []).flatMap(({ from }, i) => peerWarnings(from, `spec.ingress[${i}].from`)),
    ...(spec?.egress ?? []).flatMap(({ to }, i) => peerWarnings(to, `spec.egress[${i}].to`)),
  ],

  validate({ spec }, root) {
    const at = root.child("spec");
    const { podSelector, ingress = [], egress = [], policyTypes = [] } = spec ?? {};
    const types = at.child("policyTypes");
    return [
      ...validateLabelSelector(podSelector, at.child("podSelector")),
      ...ingress.flatMap(({ ports, from }, i) =>
        validateRule({ ports, peers: from, side: "from", at: at.child("ingress").index(i) }),
      ),
      ...egress.flatMap(({ ports, to }, i) =>
        validateRule({ ports, peers: to, side: "to", at: at.child("egress").index(i) }),
      ),
      ...(policyTypes.length > 2
        ? [types.invalid(policyTypes, "may not specify more than two policyTypes")]
        : policyTypes.flatMap((type, i) => validateOneOf(type, ["Ingress", "Egress"], types.index(i)))),
    ];
  },
});

function validateRule({
  ports = [],
  peers = [],
  side,
  at,
}: {
  ports: NetworkPolicyPort[] | undefined;
  peers: NetworkPolicyPeer[] | undefined;
  side: "from" | "to";
  at: Path;
}): FieldError[] {
  return [
    ...ports.flatMap((port, i) => validateRulePort(port, at.child("ports").index(i))),
    ...peers.flatMap((peer, i) => validatePeer(peer, at.child(side).index(i))),
  ];
}

function validateRulePort({ protocol, port, endPort }: NetworkPolicyPort, at: Path): FieldError[] {
  const place = at.child("port");
  const end = at.child("endPort");
  const errors = protocol === undefined ? [] : validateOneOf(protocol, ["TCP", "UDP", "SCTP"], at.child("protocol"));
  if (typeof port === "number") {
    errors.push(...validatePort(port, place));
    if (endPort !== undefined) {
      if (endPort < port) errors.push(end.invalid(port, "must be greater than or equal to `port`"));
      errors.push(...validatePort(endPort, end));
    }
    return errors;
  }
  if (endPort !== undefined)
    errors.push(
      end.invalid(
        endPort,
        `may not be specified when \`port\` is ${port === undefined ? "not specified" : "non-numeric"}`,
      ),
    );
  if (port !== undefined) errors.push(...validateText(portName, port, place));
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, at: Path): FieldError[] {
  const errors = [
    ...validateLabelSelector(podSelector, at.child("podSelector")),
    ...validateLabelSelector(namespaceSelector, at.child("namespaceSelector")),
    ...(ipBlock ? validateIpBlock(ipBlock, at.child("ipBlock")) : []),
  ];
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(at.required("must specify a peer"));
  if (ipBlock && (podSelector || namespaceSelector))
    errors.push(at.forbidden("may not specify both ipBlock and another peer"));
  return errors;
}

function validateIpBlock({ cidr = "", except = [] }: IPBlock, at: Path): FieldError[] {
  const place = at.child("cidr");
  if (cidr === "") return [place.required()];
  const outer = parseCidr(cidr);
  return [
    ...validateCidr(cidr, place),
    ...except.flatMap((text, i) => {
      if (!outer) return [];
      const hole = at.child("except").index(i);
      const inner = parseCidr(text);
      const errors = validateCidr(text, hole);
      if (inner && !isStrictSubset(inner, outer)) errors.push(hole.invalid(text, "must be a strict subset of `cidr`"));
      return errors;
    }),
  ];
}

function peerWarnings(peers: readonly NetworkPolicyPeer[] | undefined, at: string): string[] {
  return (peers ?? []).flatMap(({ ipBlock }, i) =>
    ipBlock
      ? [
          ...networkWarnings(ipBlock.cidr, `${at}[${i}].ipBlock.cidr`),
          ...(ipBlock.except ?? []).flatMap((cidr, j) => networkWarnings(cidr, `${at}[${i}].ipBlock.except[${j}]`)),
        ]
      : [],
  );
}
