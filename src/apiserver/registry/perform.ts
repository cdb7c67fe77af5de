import { applyTypeDefaults } from "../../api/defaults.ts";
import { apiVersionOf, type Subresource, type Verb } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { trackUpdate } from "../../api/patch/managed.ts";
import { copyOf } from "../../api/patch/value.ts";
import type { PatchType } from "../../api/request.ts";
import type { JsonDocument } from "../../api/schema/json.ts";
import { isType, typeNode } from "../../api/schema/table.ts";
import { badRequest, notFound } from "../../api/status.ts";
import { type Action, partBody } from "../actions/action.ts";
import { admitPosted } from "../admit/actions.ts";
import type { Call } from "../call.ts";
import { fillIn } from "../negotiate/decode-body.ts";
import type { Answer } from "./answer.ts";
import { createObject } from "./create.ts";
import { convertAnswer } from "./custom/forms.ts";
import { deleteCollection, deleteObject } from "./delete.ts";
import type { Registry } from "./deps.ts";
import { futureRevision, listAnswer, parseRevision } from "./list.ts";
import { settleNamespace, timestamp, wipeMetadata } from "./metadata.ts";
import { patchObject } from "./patch.ts";
import { storeKey } from "./resources.ts";
import { getScale, patchScale, updateScale } from "./scale.ts";
import { refuseOtherName, updateObject } from "./update.ts";

/** A patch as it came: its document, and its text where there was one. */
export interface PatchBody {
  readonly type: PatchType;
  readonly document: JsonDocument;
  readonly text: Buffer | undefined;
}

export interface Performance {
  readonly verb: Verb;
  readonly call: Call;
  /** Of a create or update: decoded. Given away. */
  readonly object?: AnyObject;
  readonly patch?: PatchBody;
}

/** Does what a request on a resource asks for, however it came. @throws {StatusError} */
export async function perform(
  registry: Registry,
  actions: ReadonlyMap<string, Action>,
  performance: Performance,
): Promise<Answer> {
  return convertAnswer(await performed(registry, actions, performance));
}

async function performed(
  registry: Registry,
  actions: ReadonlyMap<string, Action>,
  { verb, call, object, patch }: Performance,
): Promise<Answer> {
  const { resource, subresource } = call;
  const sub = subresource === undefined ? undefined : resource.kind.subresources[subresource];
  const actionName = sub?.sort === "action" ? sub.action : sub ? undefined : resource.kind.action;
  const action = actionName === undefined ? undefined : actions.get(actionName);
  if (actionName !== undefined) {
    if (action?.read && (verb === "get" || verb === "list")) return action.read(call);
    if (!action?.perform || !object) throw notFound(resource.name, call.name ?? "");
    settlePosted(call, object);
    trackBody(call, sub, object, registry.clock.now());
    await admitPosted(registry, call, object);
    return action.perform(call, object);
  }
  if (sub?.sort === "scale") {
    if (verb === "get") return getScale(registry, call, sub);
    if (verb === "patch" && patch) return patchScale(registry, call, sub, patch);
    if (object) return updateScale(registry, call, sub, object);
  }
  switch (verb) {
    case "get":
      return getObject(registry, call);
    case "list":
      return listAnswer(registry, call);
    case "create":
      return createObject(registry, call, defaulted(call, object));
    case "update":
      return replaceObject(registry, call, defaulted(call, object));
    case "patch":
      if (!patch) throw badRequest("a patch needs a body");
      return patchObject(registry, call, patch);
    case "delete":
      return deleteObject(registry, call);
    case "deletecollection":
      return deleteCollection(registry, call);
    case "watch":
      throw badRequest("a watch is no single answer");
  }
}

/** A binding may name the uid of its pod; the metadata of all else that is posted says nothing that the server knows better. */
function settlePosted({ resource, namespace, subresource }: Call, { metadata }: AnyObject): void {
  if (subresource !== "binding") {
    wipeMetadata(metadata);
    for (const field of ["uid", "creationTimestamp"] as const)
      if (metadata[field] !== undefined) delete metadata[field];
  }
  settleNamespace(resource.kind, metadata, namespace);
}

/** What is posted to an action says who wrote it, as everything does. */
function trackBody(call: Call, sub: Subresource | undefined, body: AnyObject, now: number): void {
  const expected = partBody(call.resource.kind, sub) ?? call.resource.kind;
  if (!isType(expected.type)) return;
  const node = typeNode(expected.type);
  applyTypeDefaults(body, expected.type);
  trackUpdate(undefined, body, node, {
    manager: call.fieldManager,
    apiVersion: apiVersionOf(expected),
    subresource: call.subresource,
    now: timestamp(now),
    ignored: [["status"]],
  });
}

function defaulted({ resource }: Call, object: AnyObject | undefined): AnyObject {
  if (!object) throw badRequest("the request has no body");
  return fillIn(resource, object);
}

function getObject({ store }: Registry, { resource, namespace, name = "", options }: Call): Answer {
  const { resourceVersion } = options;
  if (resourceVersion) {
    const revision = parseRevision(resourceVersion, (text) => badRequest(`invalid resource version: ${text}`));
    if (revision > store.revision) throw futureRevision(revision, store.revision);
  }
  const entry = store.get(storeKey(resource, namespace, name));
  if (!entry) throw notFound(resource.name, name);
  return { sort: "entry", code: 200, resource, entry };
}

function replaceObject(registry: Registry, call: Call, object: AnyObject): Promise<Answer> {
  refuseOtherName(call, object);
  // A PUT that names no revision is tried again on what it then finds; it needs the object as it came each time.
  const conditional = Boolean(object.metadata.resourceVersion);
  const next = (): AnyObject => (conditional ? object : copyOf(object));
  const mayCreate = call.subresource === undefined && call.resource.home.strategy.createOnUpdate === true;
  return updateObject(registry, call, {
    change: next,
    create: mayCreate ? next : undefined,
    requiredUid: object.metadata.uid,
  });
}
