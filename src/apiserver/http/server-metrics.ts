import type { Metric, Sample } from "../../base/metrics.ts";
import type { Store } from "../../store/contract.ts";
import { type Catalog, storePrefix } from "../registry/resources.ts";

/** What the server knows of its store and of itself. */
export function serverMetrics(
  store: Store,
  catalog: Catalog,
  version: Readonly<Record<string, string>>,
): () => Metric[] {
  const { major = "", minor = "", gitVersion = "", gitCommit = "", gitTreeState = "" } = version;
  const { buildDate = "", goVersion = "", compiler = "", platform = "" } = version;
  const build = {
    build_date: buildDate,
    compiler,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    git_version: gitVersion,
    go_version: goVersion,
    major,
    minor,
    platform,
  };
  return () => [
    {
      name: "kubernetes_build_info",
      type: "gauge",
      help: "Always 1: the version that answers.",
      samples: [[build, 1]],
    },
    {
      name: "apiserver_storage_objects",
      type: "gauge",
      help: "Objects stored, by resource.",
      samples: counted(store, catalog, (group, plural) => ({ resource: group ? `${plural}.${group}` : plural })),
    },
    {
      name: "apiserver_resource_objects",
      type: "gauge",
      help: "Objects stored, by group and resource.",
      samples: counted(store, catalog, (group, resource) => ({ group, resource })),
    },
  ];
}

function counted(
  store: Store,
  catalog: Catalog,
  labels: (group: string, plural: string) => Record<string, string>,
): Sample[] {
  const buckets = new Set<string>();
  const samples: Sample[] = [];
  for (const resource of catalog.all()) {
    if (buckets.has(resource.bucket) || !resource.kind.verbs.includes("list")) continue;
    buckets.add(resource.bucket);
    const { group, plural } = resource.home;
    samples.push([labels(group, plural), store.count(storePrefix(resource, undefined))]);
  }
  return samples;
}
