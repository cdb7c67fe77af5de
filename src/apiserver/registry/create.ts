import type { AnyObject } from "../../api/object.ts";
import { alreadyExists, noNameLeft, StatusError } from "../../api/status.ts";
import { type Entry, RevisionConflict } from "../../store/contract.ts";
import type { Call } from "../call.ts";
import type { Answer } from "./answer.ts";
import { cleared } from "./clear.ts";
import { shownForm, storedForm } from "./custom/forms.ts";
import { refuseWhileLeaving } from "./custom/refuse-while-leaving.ts";
import type { Registry, Reservation } from "./deps.ts";
import { heldObject, laidOut } from "./held.ts";
import { generatedName, initMetadata, settleNamespace, wipeMetadata, withoutRepeatedOwners } from "./metadata.ts";
import { repeatedOwnersWarning } from "./owners.ts";
import { completed, track } from "./ownership.ts";
import { storeKey } from "./resources.ts";
import { refuseInvalidNew } from "./validate.ts";
import { putNew } from "./write.ts";

// How often a generated name that is taken is replaced by another one.
const generateTries = 8;

/**
 * Creates an object. It is decoded, defaulted, in the version of the call's resource, and given away.
 * `isApplied`: its managedFields are in order already.
 * @throws {StatusError} as the API server answers
 */
export async function createObject(
  registry: Registry,
  call: Call,
  object: AnyObject,
  { isApplied = false }: { readonly isApplied?: boolean } = {},
): Promise<Answer> {
  const { resource } = call;
  const { metadata } = object;
  settleNamespace(resource.kind, metadata, call.namespace);
  wipeMetadata(metadata);
  if (withoutRepeatedOwners(object)) call.warn(repeatedOwnersWarning);

  if (resource.custom) refuseWhileLeaving(registry, resource.kind.group, resource.kind.plural, metadata.name);
  const now = registry.clock.now();
  if (!isApplied) track(call, undefined, object, now);
  const generated = !metadata.name && metadata.generateName ? metadata.generateName : undefined;
  await registry.admission.mutate({ call, operation: "CREATE", object, old: undefined });
  initMetadata(metadata, now);
  const stored = await storedForm(resource, cleared(resource, object));
  const { strategy } = resource.home;
  if (strategy.generation) stored.metadata.generation = 1;
  else delete stored.metadata.generation;
  strategy.prepareCreate?.(stored, { user: call.user, now, warn: (text) => call.warn(text) });
  completed(resource, stored);
  const reservation = registry.specials.get(resource.bucket)?.creating?.(call, stored);
  let isWritten = false;
  try {
    refuseInvalidNew(call, stored);
    await registry.admission.validate({ call, operation: "CREATE", object: stored, old: undefined });
    const answer = await written(registry, call, stored, { generateName: generated, reservation });
    isWritten = !call.options.dryRun;
    return answer;
  } finally {
    // Written or not, a dry run too: what is stored speaks for itself now.
    await reservation?.release(isWritten);
  }
}

async function written(
  registry: Registry,
  call: Call,
  object: AnyObject,
  { generateName, reservation }: { generateName: string | undefined; reservation: Reservation | undefined },
): Promise<Answer> {
  const { resource } = call;
  for (let tries = 1; ; tries++) {
    try {
      if (call.options.dryRun) return await dryCreated(registry, call, object);
      await reservation?.record?.();
      refuseRevision(object);
      const entry = await putNew(registry, call, object);
      await registry.specials.get(resource.bucket)?.wrote?.(object, undefined);
      return { sort: "entry", code: 201, resource, entry };
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      if (generateName === undefined || tries === generateTries) throw taken(call, object, error.current);
      object.metadata.name = generatedName(generateName);
    }
  }
}

/** The storage's own refusal: what comes before it has its say first, and a dry run never comes so far. */
function refuseRevision({ metadata: { resourceVersion = "" } }: AnyObject): void {
  if (/^\d*[1-9]\d*$/.test(resourceVersion))
    throw new StatusError(undefined, "resourceVersion should not be set on objects to be created", undefined, 500);
}

async function dryCreated(registry: Registry, call: Call, object: AnyObject): Promise<Answer> {
  const { resource } = call;
  const { namespace, name } = object.metadata;
  const key = storeKey(resource, namespace, name);
  const there = registry.store.latest(key);
  if (there) throw new RevisionConflict(key, there);
  return { sort: "object", code: 201, resource, object: await shownForm(resource, laidOut(object)) };
}

function taken({ resource }: Call, object: AnyObject, there: Entry | undefined): StatusError {
  const { name, generateName } = object.metadata;
  // Whoever says how names are to begin is told that none was found, even with a name of their own.
  const error = generateName ? noNameLeft(resource.name, name) : alreadyExists(resource.name, name);
  const leaving = there !== undefined && heldObject(there).metadata.deletionTimestamp !== undefined;
  return leaving ? new StatusError("AlreadyExists", `object is being deleted: ${error.message}`, error.details) : error;
}
