import { isDeepStrictEqual } from "node:util";
import type { Node } from "../../api/schema/types.ts";
import type { Instance } from "../cloud/provider.ts";

/** On a node that waits for its cloud to say what it is; nothing is scheduled to it before. */
export const uninitialized = "node.cloudprovider.kubernetes.io/uninitialized";

const typeLabels = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"] as const;
const zoneLabels = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"] as const;
const regionLabels = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"] as const;

/** The Node with what its cloud knows of it; undefined when it has that, or when it is none of the cloud's. */
export function initialized(node: Node, instance: Instance | undefined): Node | undefined {
  if (!instance) return undefined;
  const { metadata, spec } = node;
  const taints = (spec?.taints ?? []).filter(({ key }) => key !== uninitialized);
  const isWaiting = taints.length < (spec?.taints ?? []).length;
  const isNew = isWaiting || !spec?.providerID;
  const labels = { ...metadata.labels, ...(isNew && labelsOf(instance)) };
  for (const [name, older] of [typeLabels, zoneLabels, regionLabels])
    if (labels[name] !== undefined) labels[older] = labels[name];
  const { taints: _, ...rest } = spec ?? {};
  const next: Node = {
    ...node,
    metadata: { ...metadata, labels },
    spec: isNew
      ? { ...rest, providerID: spec?.providerID || instance.id, ...(taints.length > 0 && { taints }) }
      : (spec ?? {}),
  };
  return isDeepStrictEqual(next.metadata, metadata) && isDeepStrictEqual(next.spec, spec ?? {}) ? undefined : next;
}

function labelsOf({ type, zone, region }: Instance): Record<string, string> {
  const both = (names: readonly string[], value: string | undefined) =>
    value === undefined ? [] : names.map((name): [string, string] => [name, value]);
  return Object.fromEntries([...both(typeLabels, type), ...both(zoneLabels, zone), ...both(regionLabels, region)]);
}
