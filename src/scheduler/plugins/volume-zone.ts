import type { ObjectLookup } from "../objects.ts";
import type { Plugin } from "../plugin.ts";
import { claimsOf } from "./claims.ts";

const rejection = { reasons: ["node(s) had no available volume zone"], curable: false };

const [zone, region] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];
/** The labels that tell where a volume is, and under which of its names a node tells the same: the older ones have a newer one. */
const placeLabels: Readonly<Record<string, string>> = {
  [zone]: zone,
  [region]: region,
  "failure-domain.beta.kubernetes.io/zone": zone,
  "failure-domain.beta.kubernetes.io/region": region,
};

/** A volume that is labelled with its zone is used in that zone. */
export function volumeZone(objects: ObjectLookup): Plugin {
  return {
    name: "VolumeZone",
    filter(pod) {
      const places = claimsOf(pod, objects)
        .flatMap(({ spec }) => objects.volume(spec?.volumeName ?? "") ?? [])
        .flatMap(({ metadata }) => Object.entries(metadata.labels ?? {}))
        .filter(([key]) => key in placeLabels)
        .map(([key, value]) => ({ key, values: value.split("__") }));
      if (places.length === 0) return undefined;
      return {
        sort: "nodes",
        rejects({ labels }) {
          // A node that tells no place at all is taken to reach every one.
          if (!Object.keys(placeLabels).some((key) => key in labels)) return undefined;
          const reaches = places.every(({ key, values }) =>
            values.includes(labels[key] ?? labels[placeLabels[key] ?? ""] ?? ""),
          );
          return reaches ? undefined : rejection;
        },
      };
    },
    mayHelp: (_pod, change) => change.of !== "pod" && change.after !== undefined,
  };
}
