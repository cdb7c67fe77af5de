import type { Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { Snapshot } from "../snapshot.ts";

/** What the plugin gives each node of the cluster, by name; undefined when all are alike to it. */
export function scoresOf(plugin: Plugin, pod: PodInfo, cluster: Snapshot): Record<string, number> | undefined {
  const scorer = plugin.score?.(pod, cluster, cluster.list);
  if (!scorer) return undefined;
  const plain = cluster.list.map(scorer.score);
  const scores = scorer.normalize?.(plain) ?? plain;
  return Object.fromEntries(cluster.list.map(({ name }, at) => [name, scores[at] ?? 0]));
}

/** What the plugin has against each node, by name; a text when it is against all, whatever they are. */
export function refusalsOf(plugin: Plugin, pod: PodInfo, cluster: Snapshot): Record<string, string> | string {
  const filter = plugin.filter?.(pod, cluster);
  if (filter?.sort === "nowhere") return filter.reason;
  return Object.fromEntries(
    cluster.list.flatMap((node) => {
      const rejection = filter?.rejects(node);
      return rejection ? [[node.name, rejection.reasons.join(", ")]] : [];
    }),
  );
}
