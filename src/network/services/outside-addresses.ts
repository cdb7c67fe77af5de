import type { Node } from "../../api/schema/types.ts";

/**
 * The addresses inside the nodes' own network that belong to an external one. A router in front of a node puts the one in the place
 * of the other: what was sent to the external address arrives for the internal one.
 */
export function insideOf(nodes: readonly Node[], externalIp: string): readonly string[] {
  return nodes
    .filter((node) => addressesOf(node, "ExternalIP").includes(externalIp))
    .flatMap((node) => addressesOf(node, "InternalIP"));
}

/** Whether a Node's change makes `insideOf` say something else. */
export function changesOutside(before: Node | undefined, after: Node | undefined): boolean {
  const told = (node: Node | undefined) => {
    const external = node ? addressesOf(node, "ExternalIP") : [];
    return node && external.length > 0 ? [...external, "in", ...addressesOf(node, "InternalIP")].join() : "";
  };
  return told(before) !== told(after);
}

function addressesOf({ status }: Node, type: string): readonly string[] {
  return (status?.addresses ?? []).filter((address) => address.type === type).map(({ address }) => address);
}
