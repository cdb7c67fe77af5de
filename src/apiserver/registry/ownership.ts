import type { AnyObject } from "../../api/object.ts";
import { trackUpdate, type Writer } from "../../api/patch/managed.ts";
import { complete } from "../../api/schema/complete.ts";
import type { SchemaNode } from "../../api/schema/node.ts";
import { typeNode } from "../../api/schema/table.ts";
import type { Call } from "../call.ts";
import { timestamp } from "./metadata.ts";
import type { Resource } from "./resources.ts";

const typeFields = new Set(["apiVersion", "kind", "metadata"]);

/** The schema of a resource's objects, in the version that is served. */
export function nodeOf({ kind, custom }: Resource): SchemaNode {
  return custom?.node ?? typeNode(kind.type);
}

/** Writes what the type always writes, whether it was said or not. */
export function completed(resource: Resource, object: AnyObject): AnyObject {
  const { home, custom } = resource;
  if (!custom) complete(object, typeNode(home.type));
  return object;
}

/** Who writes, for managedFields. */
export function writerOf(call: Call, now: number): Writer {
  const { resource, subresource, fieldManager } = call;
  return {
    manager: fieldManager,
    apiVersion: resource.groupVersion,
    subresource,
    now: timestamp(now),
    ignored: unchangeable(call),
    versions: resource.versions,
  };
}

type Paths = readonly (readonly string[])[];
const unchangeables = new WeakMap<Resource, Map<string | undefined, Paths>>();

/** What a call cannot change; found out once for each resource and subresource. */
function unchangeable(call: Call): Paths {
  const { resource, subresource } = call;
  let known = unchangeables.get(resource);
  if (!known) unchangeables.set(resource, (known = new Map()));
  let paths = known.get(subresource);
  if (!paths) known.set(subresource, (paths = unchangeablePaths(call)));
  return paths;
}

/** Of the object itself what its subresources own, of a subresource what it does not own. */
function unchangeablePaths({ resource, subresource }: Call): string[][] {
  const { subresources } = resource.kind;
  const part = subresource === undefined ? undefined : subresources[subresource];
  if (part?.sort === "part") {
    const owned = new Set(part.owns.map((path) => path.split(".", 1)[0]));
    // Of what other parts keep as it was, their writers are noted all the same.
    const keptByStatus = owned.has("status") ? (part.keeps ?? []) : [];
    return [...nodeOf(resource).fields.keys()]
      .filter((name) => !typeFields.has(name) && !owned.has(name))
      .map((name) => [name])
      .concat([...keptByStatus, ...(part.unclaimed ?? [])].map((path) => path.split(".")));
  }
  const hasStatus = Object.values(subresources).some((sub) => sub.sort === "part" && sub.owns.includes("status"));
  const unclaimed = (resource.kind.strategy.unclaimed ?? []).map((path) => path.split("."));
  return hasStatus ? [["status"], ...unclaimed] : unclaimed;
}

/** Notes in managedFields who wrote what. `live`: what is stored, in the same version; undefined at creation. */
export function track(call: Call, live: AnyObject | undefined, object: AnyObject, now: number): void {
  const node = nodeOf(call.resource);
  if (!call.resource.custom) complete(object, node);
  trackUpdate(live, object, node, writerOf(call, now));
}
