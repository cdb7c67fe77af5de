import type { ManagedFieldsEntry } from "../../api/object.ts";
import { difference, intersection, setFrom, union } from "../../api/patch/fields.ts";
import { entriesFrom, type Manager, type Managers, managersFrom } from "../../api/patch/managed.ts";

/*
 * A Scale has no managers of its own: who owns the number of replicas in the object owns it in the Scale, and the other
 * way round (Kubernetes docs, "Server-Side Apply", section "Transferring ownership").
 */

const scaleVersion = "autoscaling/v1";
const replicasOfScale = setFrom([["spec", "replicas"]]);

/** The managers of an object that own its number of replicas, as managers of its Scale. `path` is the number's place. */
export function scaleManagers(entries: readonly ManagedFieldsEntry[], path: string): ManagedFieldsEntry[] {
  const replicas = replicasAt(path);
  const owners: Managers = new Map();
  for (const [id, { entry, set, time }] of managersFrom(entries))
    if (intersection(set, replicas))
      owners.set(id, { entry: { ...entry, apiVersion: scaleVersion }, set: replicasOfScale, time });
  return entriesFrom(owners);
}

/** The managers of an object after those of its Scale became `scaled`. Who is new among them bears no time. */
export function managersAfterScale(
  entries: readonly ManagedFieldsEntry[],
  scaled: readonly ManagedFieldsEntry[],
  { path, apiVersion }: { readonly path: string; readonly apiVersion: string },
): ManagedFieldsEntry[] {
  const replicas = replicasAt(path);
  const owners = [...managersFrom(scaled).values()].filter(({ set }) => intersection(set, replicasOfScale));
  const after: Managers = new Map();
  for (const [id, manager] of managersFrom(entries)) {
    const set = owners.some((owner) => isSame(owner, manager)) ? manager.set : difference(manager.set, replicas);
    if (set) after.set(id, { ...manager, set });
  }
  for (const { entry } of owners) {
    const known = [...after].find(([, manager]) => isSame(manager, { entry }));
    if (known) after.set(known[0], { ...known[1], set: union(known[1].set, replicas) });
    else after.set(JSON.stringify(entry), { entry: { ...entry, apiVersion }, set: replicas, time: undefined });
  }
  return entriesFrom(after);
}

function isSame({ entry: a }: Pick<Manager, "entry">, { entry: b }: Pick<Manager, "entry">): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}

function replicasAt(path: string): ReturnType<typeof setFrom> {
  return setFrom([path.replace(/^\./, "").split(".")]);
}
