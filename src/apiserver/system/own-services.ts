import type { AnyObject } from "../../api/object.ts";
import type { Catalog } from "../registry/resources.ts";

/** How much each group is preferred to others, in Kubernetes' numbers; versions are 15 unless said. */
const groups: Readonly<
  Record<string, { readonly group: number; readonly versions?: Readonly<Record<string, number>> }>
> = {
  "": { group: 18_000, versions: { v1: 1 } },
  apps: { group: 17_800 },
  "events.k8s.io": { group: 17_750 },
  "authentication.k8s.io": { group: 17_700 },
  "authorization.k8s.io": { group: 17_600 },
  autoscaling: { group: 17_500, versions: { v2: 30 } },
  batch: { group: 17_400 },
  "certificates.k8s.io": { group: 17_300 },
  "networking.k8s.io": { group: 17_200 },
  policy: { group: 17_100 },
  "rbac.authorization.k8s.io": { group: 17_000 },
  "storage.k8s.io": { group: 16_800 },
  "apiextensions.k8s.io": { group: 16_700 },
  "admissionregistration.k8s.io": { group: 16_700 },
  "scheduling.k8s.io": { group: 16_600 },
  "coordination.k8s.io": { group: 16_500 },
  "node.k8s.io": { group: 16_300 },
  "discovery.k8s.io": { group: 16_200 },
  "resource.k8s.io": { group: 16_200, versions: { v1: 21 } },
  "flowcontrol.apiserver.k8s.io": { group: 16_100, versions: { v1: 21 } },
};

/** The APIServices that say which groups and versions this server answers itself. */
export function ownServices(catalog: Catalog): AnyObject[] {
  const versions = new Set(catalog.all().map(({ kind }) => `${kind.version}.${kind.group}`));
  return [...versions].sort().flatMap((name) => {
    const dot = name.indexOf(".");
    const [version, group] = [name.slice(0, dot), name.slice(dot + 1)];
    const priority = groups[group];
    if (!priority) return [];
    return [
      {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name, labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" } },
        spec: {
          ...(group && { group }),
          version,
          groupPriorityMinimum: priority.group,
          versionPriority: priority.versions?.[version] ?? 15,
        },
      },
    ];
  });
}
