import { apiVersionOf, type Verb } from "../api/kind.ts";
import type { AnyObject, KubeObject } from "../api/object.ts";
import { copyOf } from "../api/patch/value.ts";
import type { DiscoveredResource, ListOf, ResourceRequest, WatchEvent, WatchRequest } from "../api/request.ts";
import type { Action } from "./actions/action.ts";
import type { Extensions } from "./aggregate/extensions.ts";
import { askExtension } from "./aggregate/pass-on.ts";
import { type Attributes, type Authorizer, refusal } from "./authorize/attributes.ts";
import type { Call } from "./call.ts";
import { onlyNameIn } from "./http/request-info.ts";
import { unknownResource } from "./http/route.ts";
import { decodeValueAs } from "./negotiate/decode-body.ts";
import { objectOf } from "./negotiate/render.ts";
import type { Answer } from "./registry/answer.ts";
import type { Registry } from "./registry/deps.ts";
import { freeze, objectIn } from "./registry/held.ts";
import { perform } from "./registry/perform.ts";
import type { Resource } from "./registry/resources.ts";
import type { UserInfo } from "./user.ts";
import { objectSeen } from "./watch/encode-event.ts";
import { Subscription } from "./watch/subscribe.ts";

/**
 * The way of the process's own parts to the API: the same authorization, admission and registry as for everybody, but
 * objects instead of bytes. What it returns is frozen and shared with the store's other readers.
 */
export interface InProcessTransport {
  request(request: ResourceRequest, signal?: AbortSignal): Promise<KubeObject | ListOf<AnyObject>>;
  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;
  discover(group: string, version: string): Promise<readonly DiscoveredResource[]>;
}

export interface InProcessOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly actions: ReadonlyMap<string, Action>;
  readonly extensions: Extensions;
  readonly user: UserInfo;
}

const eventBatch = 200;

export function inProcessTransport({
  registry,
  authorizer,
  actions,
  extensions,
  user,
}: InProcessOptions): InProcessTransport {
  const find = ({ group, version, resource }: { group: string; version: string; resource: string }): Resource => {
    const found = registry.catalog.find(group, version, resource);
    if (!found) throw unknownResource();
    return found;
  };
  const authorize = (attributes: Attributes): void => {
    const { allowed, reason } = authorizer.decide(attributes);
    if (!allowed) throw refusal(attributes, reason);
  };

  return {
    async request(request) {
      const api = extensions.find(request.group, request.version);
      if (api) {
        authorize(attributesOf(user, request, request.verb));
        return askExtension(extensions, { api, user, request });
      }
      const resource = find(request);
      const { verb, subresource, namespace, name, options = {}, body, patch } = request;
      if (subresource && !resource.kind.subresources[subresource]) throw unknownResource();
      const attributes = attributesOf(user, request, verb);
      authorize(attributes);
      const call: Call = {
        user,
        resource,
        subresource: subresource || undefined,
        namespace: resource.kind.scope === "Namespaced" ? namespace : undefined,
        name,
        options,
        fieldManager: options.fieldManager ?? user.name,
        warn() {},
        alsoNeeds: (also) => authorize({ ...attributes, verb: also }),
      };
      const answer = await perform(registry, actions, {
        verb: verb as Verb,
        call,
        ...(body && { object: received(resource, subresource, body) }),
        ...(patch && {
          patch: { type: patch.type, document: { value: patch.document, repeated: new Map() }, text: undefined },
        }),
      });
      return asObject(answer);
    },

    watch(request, signal) {
      const resource = find(request);
      authorize(attributesOf(user, { ...request, options: { fieldSelector: request.fieldSelector } }, "watch"));
      return watchObjects(registry, resource, request, signal);
    },

    async discover(group, version) {
      const api = extensions.find(group, version);
      if (api) return api.resources.filter(({ name }) => !name.includes("/"));
      const groupVersion = apiVersionOf({ group, version });
      const served = registry.catalog.all().filter((resource) => resource.groupVersion === groupVersion);
      const found = [...served].map(({ kind: { plural: name, kind, scope, verbs } }) => {
        return { name, kind, namespaced: scope === "Namespaced", verbs };
      });
      if (found.length === 0) throw unknownResource();
      return found;
    },
  };
}

function attributesOf(
  user: UserInfo,
  request: { group: string; resource: string; namespace?: string | undefined } & Partial<ResourceRequest>,
  verb: string,
): Attributes {
  return {
    user,
    verb,
    isResource: true,
    group: request.group,
    resource: request.resource,
    subresource: request.subresource ?? "",
    namespace: request.namespace ?? "",
    name: request.name ?? onlyNameIn(request.options?.fieldSelector) ?? "",
    path: "",
    fieldSelector: request.options?.fieldSelector,
  };
}

/** What a part of this process hands over, read as if it had come as JSON. */
function received(resource: Resource, subresource: string | undefined, body: AnyObject): AnyObject {
  // Much of it is often an object that it was given, frozen and shared, with a change in it.
  const own = copyOf(body);
  if (subresource === undefined || resource.kind.subresources[subresource]?.sort === "part")
    return decodeValueAs(own, resource, { encoding: "json", fieldValidation: "Ignore", warn() {} });
  own.metadata ??= {} as AnyObject["metadata"];
  return own;
}

function asObject(answer: Answer): KubeObject | ListOf<AnyObject> {
  switch (answer.sort) {
    case "entry":
      return objectIn(answer.resource, answer.entry);
    case "object":
      return freeze(answer.object);
    case "status":
      return answer.status as unknown as KubeObject;
    case "list":
      return {
        metadata: {
          resourceVersion: answer.revision,
          ...(answer.continue !== undefined && { continue: answer.continue }),
          ...(answer.remaining !== undefined && { remainingItemCount: answer.remaining }),
        },
        items: answer.items.map((item) => objectOf(answer.resource, item)),
      };
  }
}

async function* watchObjects(
  registry: Registry,
  resource: Resource,
  request: WatchRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  if (signal.aborted) return;
  let wake = (): void => {};
  using subscription = new Subscription(
    registry,
    {
      resource,
      namespace: resource.kind.scope === "Namespaced" ? request.namespace || undefined : undefined,
      name: undefined,
      options: request,
      sendInitialEvents: request.sendInitialEvents,
    },
    () => wake(),
  );
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    for (const entry of await subscription.convertedInitial())
      yield { type: "ADDED", object: objectIn(resource, entry) };
    if (request.sendInitialEvents) yield initialEnd(resource, subscription.initialRevision);
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const { events, more } = await subscription.readConverted(eventBatch);
      for (const seen of events) {
        yield { type: seen.type, object: freeze(objectSeen(resource, seen)) };
        if (signal.aborted) return;
      }
      if (events.length === 0 && !more) await woken;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Says that the initial events are over, as a bookmark. */
function initialEnd({ kind, groupVersion }: Resource, revision: number): WatchEvent {
  return {
    type: "BOOKMARK",
    object: {
      kind: kind.kind,
      apiVersion: groupVersion,
      metadata: {
        name: "",
        resourceVersion: String(revision),
        annotations: { "k8s.io/initial-events-end": "true" },
      },
    },
  };
}
