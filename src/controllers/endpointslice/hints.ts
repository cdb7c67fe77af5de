import { isDeepStrictEqual } from "node:util";
import type { Endpoint, Service } from "../../api/schema/types.ts";
import { type Draft, withoutHints } from "./packing.ts";

/** How a Service wants its traffic kept near: by its field, by its older annotation, or not at all. */
export type Nearness = "zone" | "node" | "topology" | "anywhere";

/** Kubernetes docs, "Service", section "Traffic distribution"; "Topology Aware Routing". */
export function nearnessOf({ metadata, spec }: Service): Nearness {
  const { annotations = {} } = metadata;
  const mode =
    annotations["service.kubernetes.io/topology-aware-hints"] ?? annotations["service.kubernetes.io/topology-mode"];
  if (mode === "Auto" || mode === "auto") return "topology";
  if (spec?.trafficDistribution === "PreferSameNode") return "node";
  return ["PreferClose", "PreferSameZone"].includes(spec?.trafficDistribution ?? "") ? "zone" : "anywhere";
}

/** Takes all hints away. */
export function withoutAnyHints(drafts: readonly Draft[]): Draft[] {
  return drafts.map((draft) => hinted(draft, withoutHints));
}

/** Hints each ready endpoint to its own zone, and perhaps to its own node. */
export function withNearHints(drafts: readonly Draft[], nearness: "zone" | "node"): Draft[] {
  return drafts.map((draft) =>
    hinted(draft, (endpoint) => {
      if (!isReady(endpoint)) return endpoint;
      const { zone, nodeName } = endpoint;
      const hints = {
        ...(zone && { forZones: [{ name: zone }] }),
        ...(nodeName && nearness === "node" && { forNodes: [{ name: nodeName }] }),
      };
      return Object.keys(hints).length > 0 ? { ...endpoint, hints } : withoutHints(endpoint);
    }),
  );
}

export function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

/** The draft with hints given anew; one that was right already stays as it is. */
function hinted(draft: Draft, hint: (endpoint: Endpoint) => Endpoint): Draft {
  const endpoints = draft.endpoints.map(hint);
  return isDeepStrictEqual(endpoints, draft.endpoints) ? draft : { ...draft, endpoints, isChanged: true };
}
