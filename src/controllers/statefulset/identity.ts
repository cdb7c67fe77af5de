import type { ObjectMeta } from "../../api/object.ts";
import type { Pod, PodTemplateSpec, StatefulSet } from "../../api/schema/types.ts";
import type { Unsaved } from "../../client/client.ts";
import { podFromTemplate } from "../pods.ts";
import { revisionLabel } from "../revisions.ts";

const nameLabel = "statefulset.kubernetes.io/pod-name";
const indexLabel = "apps.kubernetes.io/pod-index";

/** The number in a pod's name, when the name is one that this StatefulSet gives. */
export function ordinalOf({ metadata }: Pod, set: StatefulSet): number | undefined {
  const [, parent, ordinal] = /^(.*)-([0-9]+)$/.exec(metadata.name) ?? [];
  return parent === set.metadata.name ? Number(ordinal) : undefined;
}

export const podName = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`;

export function claimName(template: { metadata: Pick<ObjectMeta, "name"> }, pod: string): string {
  return `${template.metadata.name}-${pod}`;
}

/** The labels by which a pod says who it is. */
export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [nameLabel]: podName(set, ordinal), [indexLabel]: String(ordinal) };
}

/** The pod of an ordinal as a revision of the template has it; its name, its host name and its claims are its own. */
export function podFrom(
  set: StatefulSet,
  { ordinal, template, revision }: { ordinal: number; template: PodTemplateSpec; revision: string },
): Unsaved<Pod> {
  const { metadata, spec } = podFromTemplate(template, set.metadata.namespace ?? "");
  const name = podName(set, ordinal);
  const claims = (set.spec.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: claimName(claim, name) },
  }));
  const others = (spec.volumes ?? []).filter((volume) => !claims.some((claim) => claim.name === volume.name));
  const volumes = [...claims, ...others];
  return {
    metadata: {
      ...metadata,
      name,
      generateName: `${set.metadata.name}-`,
      labels: { ...metadata.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision },
    },
    spec: {
      ...spec,
      hostname: name,
      ...(set.spec.serviceName && { subdomain: set.spec.serviceName }),
      ...(volumes.length > 0 && { volumes }),
    },
  };
}
