import type { PersistentVolumeClaim } from "../../api/schema/types.ts";
import { classOf } from "../../api/volume-match.ts";
import type { ObjectLookup } from "../objects.ts";
import type { Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import { claimsOf } from "./claims.ts";

const rejection = { reasons: ["node(s) exceed max volume count"], curable: true };

/** A node takes as many volumes of a driver as the driver said of it. */
export function nodeVolumeLimits(objects: ObjectLookup): Plugin {
  return {
    name: "NodeVolumeLimits",
    filter(pod) {
      const wanted = volumesByDriver([pod], objects);
      if (wanted.size === 0) return undefined;
      return {
        sort: "nodes",
        rejects({ name, pods }) {
          const drivers = objects.csiNode(name)?.spec.drivers ?? [];
          const limited = drivers.filter(
            (driver) => driver.allocatable?.count !== undefined && wanted.has(driver.name),
          );
          if (limited.length === 0) return undefined;
          const there = volumesByDriver(pods.values(), objects);
          const exceeds = limited.some((driver) => {
            const used = there.get(driver.name) ?? new Set();
            const added = [...(wanted.get(driver.name) ?? [])].filter((volume) => !used.has(volume));
            return added.length > 0 && used.size + added.length > (driver.allocatable?.count ?? 0);
          });
          return exceeds ? rejection : undefined;
        },
      };
    },
    mayHelp: (_pod, change) => (change.of === "pod" ? !change.after : change.after !== undefined),
  };
}

/** Volumes, or the claims that will have one, by the name of their CSI driver. */
function volumesByDriver(pods: Iterable<PodInfo>, objects: ObjectLookup): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const pod of pods)
    for (const claim of claimsOf(pod, objects)) {
      const { driver, volume } = volumeOf(claim, objects);
      if (!driver) continue;
      const volumes = found.get(driver) ?? new Set();
      found.set(driver, volumes.add(volume));
    }
  return found;
}

function volumeOf(claim: PersistentVolumeClaim, objects: ObjectLookup): { driver: string | undefined; volume: string } {
  const csi = objects.volume(claim.spec?.volumeName ?? "")?.spec?.csi;
  if (csi) return { driver: csi.driver, volume: csi.volumeHandle };
  const { namespace, name } = claim.metadata;
  const provisioner = claim.spec?.volumeName ? undefined : objects.storageClass(classOf(claim))?.provisioner;
  return { driver: provisioner, volume: `${namespace}/${name}` };
}
