import { integerFault } from "../../api/go-integers.ts";
import type { AnyObject } from "../../api/object.ts";
import { badRequest, conflict, notFound, qualified, type ResourceName, StatusError } from "../../api/status.ts";
import { type Entry, RevisionConflict } from "../../store/contract.ts";
import type { Call } from "../call.ts";
import type { Answer } from "./answer.ts";
import { keptReserved, partOf } from "./clear.ts";
import { createObject } from "./create.ts";
import { convertEntries, currentForm, shownForm, storedForm } from "./custom/forms.ts";
import type { Registry, Reservation } from "./deps.ts";
import { heldObject, laidOut, objectIn } from "./held.ts";
import { keepMetadata, settleNamespace, withoutRepeatedOwners } from "./metadata.ts";
import { repeatedOwnersWarning } from "./owners.ts";
import { completed, track } from "./ownership.ts";
import { sameJson } from "./paths.ts";
import { storeKey } from "./resources.ts";
import { refuseInvalidChange } from "./validate.ts";
import { putChanged, removeEntry } from "./write.ts";

/** How the new object comes about, given the one that is there (frozen). Runs again when another write came between. */
export type Change = (old: AnyObject) => AnyObject | Promise<AnyObject>;

export interface UpdateOptions {
  readonly change: Change;
  /** Makes the object where there is none; absent: that is "not found". */
  readonly create?: (() => AnyObject | Promise<AnyObject>) | undefined;
  /** The uid of what must be there: of a PUT that names one. */
  readonly requiredUid?: string | undefined;
  /** The server's own change (a binding): it may touch every field, and is known to be valid. */
  readonly trusted?: boolean;
  /** As what admission is asked about the object, where that is not the object itself; `change` has let it mutate that. */
  readonly admittedAs?: (object: AnyObject) => AnyObject;
  /** Whether `change` and `create` keep managedFields themselves, as server-side apply does. */
  readonly isApplied?: boolean;
}

const changedMeanwhile = "the object has been modified; please apply your changes to the latest version and try again";

// A write that is tried again because others came between: with so many losses in a row the client is told.
const mostTries = 30;

/**
 * Changes an object: reads the newest, lets `change` make the new one, writes it back unless nothing changed.
 * @throws {StatusError} as the API server answers
 */
export async function updateObject(registry: Registry, call: Call, options: UpdateOptions): Promise<Answer> {
  const { resource, namespace, name = "" } = call;
  const key = storeKey(resource, namespace, name);
  for (let tries = 1; ; tries++) {
    const entry = registry.store.latest(key);
    if (!entry) {
      refuseOtherUid(call, options.requiredUid, "");
      if (!options.create) {
        await registry.store.settled(key);
        throw notFound(resource.name, name);
      }
      call.alsoNeeds("create");
      const object = await options.create();
      refuseOtherName(call, object);
      return createObject(registry, { ...call, name: undefined }, object, { isApplied: options.isApplied ?? false });
    }
    try {
      return await changeEntry(registry, call, entry, options);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      if (tries === mostTries) throw conflict(resource.name, name, changedMeanwhile);
    }
  }
}

async function changeEntry(registry: Registry, call: Call, entry: Entry, options: UpdateOptions): Promise<Answer> {
  const { resource } = call;
  await convertEntries(resource, [entry]);
  const before = objectIn(resource, entry);
  const object = await options.change(before);
  refuseOtherName(call, object);
  refuseOtherUid(call, options.requiredUid, before.metadata.uid);
  refuseOtherRevision(call, object, before);
  if (options.trusted) return written(registry, call, entry, await storedForm(resource, object));
  if (withoutRepeatedOwners(object)) call.warn(repeatedOwnersWarning);
  const now = registry.clock.now();
  if (!options.isApplied) track(call, before, object, now);
  const { admittedAs } = options;
  if (!admittedAs) await registry.admission.mutate({ call, operation: "UPDATE", object, old: before });

  const old = await currentForm(resource, entry);
  keepMetadata(object.metadata, before.metadata);
  const next = completed(resource, prepared(call, await storedForm(resource, object), old, now));
  const reservation = registry.specials.get(resource.bucket)?.updating?.(call, next, old);
  let isWritten = false;
  try {
    refuseInvalidChange(call, next, old);
    const review = admittedAs ? { object: admittedAs(next), old: admittedAs(old) } : { object: next, old };
    await registry.admission.validate({ call, operation: "UPDATE", ...review });
    const answer = await written(registry, call, entry, next, reservation);
    isWritten = !call.options.dryRun;
    return answer;
  } finally {
    await reservation?.release(isWritten);
  }
}

/** The object as it would be stored, with what this call may not change as it was. */
function prepared(call: Call, object: AnyObject, old: AnyObject, now: number): AnyObject {
  const { resource, subresource, user } = call;
  const { strategy, subresources } = resource.home;
  const writing = { user, now, warn: (text: string) => call.warn(text) };
  const part = subresource === undefined ? undefined : subresources[subresource];
  let next: AnyObject;
  if (subresource !== undefined && part?.sort === "part") {
    next = partOf(part, object, old);
    strategy.prepareSubresource?.(subresource, next, old, writing);
  } else {
    next = keptReserved(resource, object, old);
    strategy.prepareUpdate?.(next, old, writing);
  }
  // A status says what was seen, not what is wanted.
  if (part?.sort === "part" && part.owns.every((path) => path.split(".")[0] === "status")) return next;
  const raised = strategy.raisesGeneration?.(next, old) ?? (strategy.generation === true && !sameSpec(next, old));
  if (raised) next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  return next;
}

function sameSpec(a: AnyObject, b: AnyObject): boolean {
  const spec = ({ metadata, status, ...rest }: AnyObject): unknown => rest;
  return sameJson(spec(a), spec(b));
}

async function written(
  registry: Registry,
  call: Call,
  entry: Entry,
  next: AnyObject,
  reservation?: Reservation,
): Promise<Answer> {
  const { resource } = call;
  const old = heldObject(entry);
  const special = registry.specials.get(resource.bucket);
  if (isReleased(registry, call, next, old)) {
    if (!call.options.dryRun) {
      await removeEntry(registry, call, entry, old);
      await special?.deleted?.(old);
    }
    return { sort: "object", code: 200, resource, object: await shownForm(resource, laidOut(next)) };
  }
  if (sameJson(laidOut(next), old) && !isFirstWrite(call, entry, next)) {
    await registry.store.committed(entry);
    return { sort: "entry", code: 200, resource, entry };
  }
  if (call.options.dryRun)
    return { sort: "object", code: 200, resource, object: await shownForm(resource, laidOut(next)) };
  await reservation?.record?.();
  const changed = await putChanged(registry, call, entry, next);
  await special?.wrote?.(next, old);
  return { sort: "entry", code: 200, resource, entry: changed };
}

/** Whether an update that changes nothing is a write all the same: the first one, of some kinds. */
function isFirstWrite({ resource, options }: Call, { createRevision, modRevision }: Entry, next: AnyObject): boolean {
  if (options.dryRun || createRevision !== modRevision) return false;
  return resource.home.strategy.firstUpdateWrites?.(next) ?? false;
}

/** Whether the last thing that held an object back from its deletion is gone with this change. */
function isReleased({ specials }: Registry, { resource }: Call, next: AnyObject, old: AnyObject): boolean {
  if (!old.metadata.deletionTimestamp) return false;
  if ((next.metadata.finalizers?.length ?? 0) > 0 || (next.metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  return !specials.get(resource.bucket)?.holds?.(next);
}

/** The object of a change must be the one that the path names. */
export function refuseOtherName({ name = "", namespace, resource }: Call, object: AnyObject): void {
  const { metadata } = object;
  if (!metadata.name)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  settleNamespace(resource.kind, metadata, namespace);
}

/** `there`: the uid of what is there; of nothing, it is empty. */
function refuseOtherUid({ resource, namespace, name = "" }: Call, required = "", there = ""): void {
  if (!required || required === there) return;
  const path = [placeOf(resource.name, resource.custom !== undefined), namespace, name].filter(Boolean).join("/");
  throw conflict(
    resource.name,
    name,
    `StorageError: invalid object, Code: 4, Key: /registry/${path}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${required}, UID in object meta: ${there}`,
  );
}

/** Where Kubernetes keeps objects that it does not keep under their plural, as its errors name it. */
const places: Readonly<Record<string, string>> = {
  replicationcontrollers: "controllers",
  endpoints: "services/endpoints",
  nodes: "minions",
  services: "services/specs",
  "ingresses.networking.k8s.io": "ingress",
  "customresourcedefinitions.apiextensions.k8s.io": "apiextensions.k8s.io/customresourcedefinitions",
  "apiservices.apiregistration.k8s.io": "apiregistration.k8s.io/apiservices",
};

function placeOf(name: ResourceName, isCustom: boolean): string {
  return isCustom ? `${name.group}/${name.plural}` : (places[qualified(name)] ?? name.plural);
}

function refuseOtherRevision(call: Call, object: AnyObject, old: AnyObject): void {
  const { resource, name = "" } = call;
  const { resourceVersion } = object.metadata;
  if (!resourceVersion || resourceVersion === "0") {
    if (resource.home.strategy.unconditionalUpdate === false) throw mustNameRevision(call);
    return;
  }
  const fault = integerFault(resourceVersion, "uint64");
  if (fault) throw new StatusError(undefined, fault, undefined, 500);
  if (resourceVersion !== old.metadata.resourceVersion) throw conflict(resource.name, name, changedMeanwhile);
}

function mustNameRevision({ resource, name = "" }: Call): StatusError {
  const { group, plural } = resource.name;
  const message = "Invalid value: 0: must be specified for an update";
  const field = "metadata.resourceVersion";
  return new StatusError("Invalid", `${qualified(resource.name)} "${name}" is invalid: ${field}: ${message}`, {
    name,
    ...(group && { group }),
    kind: plural,
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}
