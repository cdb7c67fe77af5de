import type { Kind } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import type { RequestOptions } from "../../api/request.ts";
import { conflict, notFound, type Status, StatusError } from "../../api/status.ts";
import { foregroundFinalizer, orphanFinalizer } from "../../api/validate/object-meta.ts";
import { type Entry, RevisionConflict } from "../../store/contract.ts";
import type { Call } from "../call.ts";
import type { Answer } from "./answer.ts";
import { shownForm } from "./custom/forms.ts";
import { heldByObjects } from "./custom/held-by-objects.ts";
import type { Registry } from "./deps.ts";
import { heldObject, laidOut } from "./held.ts";
import { listEntries } from "./list.ts";
import { timestamp } from "./metadata.ts";
import { storeKey } from "./resources.ts";
import { putChanged, removeEntry } from "./write.ts";

const definitionsBucket = "customresourcedefinitions.apiextensions.k8s.io";

/** What became of an object that was to be deleted. */
interface Outcome {
  /** As it is (or last was). */
  readonly object: AnyObject;
  readonly gone: boolean;
}

/**
 * Deletes an object, or begins to, as its kind, its finalizers and the client's options demand
 * (Kubernetes docs, "Finalizers" and "Garbage Collection").
 * `isAdmitted`: admission was asked about the request already, in another form.
 * @throws {StatusError} as the API server answers
 */
export async function deleteObject(registry: Registry, call: Call, { isAdmitted = false } = {}): Promise<Answer> {
  const { resource, name = "" } = call;
  const { object, gone } = await deleteByName(registry, call, name, { isAdmitted });
  if (gone && !resource.home.strategy.deletion?.answersObject) return deletedStatus(call, object);
  // 202 tells of an object that is still there, where the client asked that its dependents go first.
  const code = !gone && call.options.orphanDependents === false ? 202 : 200;
  return { sort: "object", code, resource, object: await shownForm(resource, object) };
}

// Kubernetes goes through all of them page by page, which makes a revision that is asked for the one exactly.
const wholeCollection = Number.MAX_SAFE_INTEGER;

/** Deletes the list that the call's options ask for, or the page of it, one after the other; answers with what there was. */
export async function deleteCollection(registry: Registry, call: Call): Promise<Answer> {
  const list = await listEntries(registry, call, { ...call.options, limit: call.options.limit ?? wholeCollection });
  for (const entry of list.entries) {
    try {
      await deleteByName(registry, call, heldObject(entry).metadata.name, { knownKey: entry.key });
    } catch (error) {
      // Somebody else was faster: it is gone, which is what was asked for.
      if (!(error instanceof StatusError && error.reason === "NotFound")) throw error;
    }
  }
  const { entries: items, revision, continue: token, remaining } = list;
  return { sort: "list", resource: call.resource, items, revision: String(revision), continue: token, remaining };
}

interface DeletionOptions {
  readonly knownKey?: string;
  readonly isAdmitted?: boolean;
}

async function deleteByName(
  registry: Registry,
  call: Call,
  name: string,
  { knownKey, isAdmitted = false }: DeletionOptions,
): Promise<Outcome> {
  const key = knownKey ?? storeKey(call.resource, call.namespace, name);
  for (;;) {
    const entry = registry.store.latest(key);
    if (!entry) {
      await registry.store.settled(key);
      throw notFound(call.resource.name, name);
    }
    try {
      return await deleteEntry(registry, { ...call, name }, entry, isAdmitted);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
}

async function deleteEntry(registry: Registry, call: Call, entry: Entry, isAdmitted: boolean): Promise<Outcome> {
  const old = heldObject(entry);
  const { warning } = call.resource.home.strategy.deletion ?? {};
  if (warning && policyOf(call.options) === undefined) call.warn(warning);
  refuseUnmetPreconditions(registry, call, old);
  registry.specials.get(call.resource.bucket)?.deleting?.(call, old);
  if (!isAdmitted) {
    const review = { call, operation: "DELETE", object: undefined, old } as const;
    await registry.admission.mutate(review);
    await registry.admission.validate(review);
  }

  const { next, now } = begun(registry, call, old);
  if (!next) {
    if (now) return remove(registry, call, entry, old);
    await registry.store.committed(entry);
    return { object: old, gone: false };
  }
  const marked = call.options.dryRun ? undefined : await putChanged(registry, call, entry, next);
  if (!now) return { object: marked ? heldObject(marked) : laidOut(next), gone: false };
  return marked ? remove(registry, call, marked, next) : { object: laidOut(next), gone: true };
}

async function remove(registry: Registry, call: Call, entry: Entry, object: AnyObject): Promise<Outcome> {
  if (call.options.dryRun) return { object, gone: true };
  const removed = await removeEntry(registry, call, entry, object);
  await registry.specials.get(call.resource.bucket)?.deleted?.(object);
  return { object: heldObject(removed), gone: true };
}

/** `next`: the object as it has to be written first, if so. `now`: whether it may go at once (after that write). */
function begun(
  registry: Registry,
  call: Call,
  old: AnyObject,
): { readonly next: AnyObject | undefined; readonly now: boolean } {
  const { home, bucket } = call.resource;
  const grace = graceOf(home, old, call.options);
  if (grace === "pending") return { next: undefined, now: false };
  const chosen = wantedFinalizers(home, old, call.options);
  const finalizers = bucket === definitionsBucket && !old.metadata.deletionTimestamp ? heldByObjects(old) : chosen;
  const next: AnyObject = { ...old, metadata: { ...old.metadata, finalizers } };
  const ownHold = registry.specials.get(bucket)?.holds?.(old) ?? false;
  const held = finalizers.length > 0 || ownHold;
  if (grace === "none" && !held) return { next: undefined, now: true };

  const seconds = grace === "none" ? 0 : grace;
  const { metadata } = next;
  const isFirst = !old.metadata.deletionTimestamp;
  // A definition's own going changes nothing of what it defines.
  if (isFirst && metadata.generation && bucket !== definitionsBucket) metadata.generation += 1;
  markLeaving(next, old, seconds, registry.clock.now(), grace === "none");
  if (isFirst) home.strategy.deletion?.begin?.(next);
  // A kind that knows by itself when it may go (Namespace) counts no seconds.
  if (ownHold || bucket === definitionsBucket) delete metadata.deletionGracePeriodSeconds;
  if (held && alreadySo(next, old)) return { next: undefined, now: false };
  return { next, now: !held && seconds === 0 };
}

function alreadySo(next: AnyObject, old: AnyObject): boolean {
  return JSON.stringify(laidOut(next)) === JSON.stringify(laidOut(old));
}

/** A shorter grace moves the deletion forward; without grace, an earlier time stays. */
function markLeaving(next: AnyObject, old: AnyObject, seconds: number, now: number, ungraceful: boolean): void {
  const { metadata } = next;
  const since = old.metadata.deletionTimestamp;
  const before = old.metadata.deletionGracePeriodSeconds;
  if (since !== undefined && !ungraceful && before !== undefined)
    metadata.deletionTimestamp = timestamp(Date.parse(since) + (seconds - before) * 1000);
  else if (since === undefined || Date.parse(since) > now) metadata.deletionTimestamp = timestamp(now + seconds * 1000);
  metadata.deletionGracePeriodSeconds = seconds;
}

/** Seconds; "none" where the kind knows no grace; "pending" where a deletion that is under way is not changed. */
function graceOf({ strategy }: Kind, old: AnyObject, options: RequestOptions): number | "none" | "pending" {
  const { graceSeconds } = strategy.deletion ?? {};
  if (!graceSeconds) return "none";
  const asked = options.gracePeriodSeconds;
  if (!old.metadata.deletionTimestamp) return strategy.deletion?.graceSeconds?.(old, asked) ?? "none";
  const current = old.metadata.deletionGracePeriodSeconds;
  // Zero: it was about to be removed, and the server did not come to it. It may go now.
  if (!current) return "none";
  if (asked === undefined || asked >= current) return "pending";
  // A negative period is one second: the least that is no deletion by force.
  return asked < 0 ? (current > 1 ? 1 : "pending") : asked;
}

/** The finalizers with which garbage collection is told what to do with the dependents. */
function wantedFinalizers({ strategy }: Kind, { metadata }: AnyObject, options: RequestOptions): string[] {
  const there = metadata.finalizers ?? [];
  const policy = policyOf(options) ?? policyBefore(there) ?? strategy.deletion?.propagation;
  const wanted = there.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer);
  if (policy === "Orphan" || policy === "orphan") wanted.push(orphanFinalizer);
  if (policy === "Foreground") wanted.push(foregroundFinalizer);
  return wanted.length === there.length && wanted.every((finalizer) => there.includes(finalizer)) ? there : wanted;
}

function policyOf({ orphanDependents, propagationPolicy }: RequestOptions): RequestOptions["propagationPolicy"] {
  if (orphanDependents !== undefined) return orphanDependents ? "Orphan" : "Background";
  return propagationPolicy;
}

function policyBefore(finalizers: readonly string[]): RequestOptions["propagationPolicy"] {
  if (finalizers.includes(orphanFinalizer)) return "Orphan";
  return finalizers.includes(foregroundFinalizer) ? "Foreground" : undefined;
}

/** @throws {StatusError} when the object is not the one, or not in the state, that the client means */
export function refuseUnmetPreconditions(registry: Registry, call: Call, old: AnyObject): void {
  const { resource, options, name = "" } = call;
  const { metadata } = old;
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { group, kind } = resource.home;
  // Where deletion begins with a write, it is the write that is refused.
  if (beginsByWriting(registry, resource.bucket, old)) {
    const unmet = (what: string, wanted: string, is: string | undefined): StatusError =>
      conflict(
        resource.name,
        name,
        `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${is}`,
      );
    if (uid !== undefined && uid !== metadata.uid) throw unmet("UID", uid, metadata.uid);
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
      throw unmet("ResourceVersion", resourceVersion, metadata.resourceVersion);
    return;
  }
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      { group, plural: kind },
      name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      { group, plural: kind },
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
}

function beginsByWriting({ specials }: Registry, bucket: string, old: AnyObject): boolean {
  if (old.metadata.deletionTimestamp) return false;
  return bucket === definitionsBucket || (specials.get(bucket)?.holds?.(old) ?? false);
}

function deletedStatus({ resource }: Call, { metadata }: AnyObject): Answer {
  const { group, plural } = resource.name;
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: metadata.name,
      ...(group && { group }),
      kind: plural,
      ...(metadata.uid && { uid: metadata.uid }),
    },
  };
  return { sort: "status", code: 200, status };
}
