import type { Kind } from "../../api/kind.ts";
import { isLeaving, type KubeObject, keyText, type OwnerReference } from "../../api/object.ts";
import type { RequestOptions } from "../../api/request.ts";
import { isReason } from "../../api/status.ts";
import type { ControllerEnvironment } from "../../client/controller.ts";
import { openEventRecorder } from "../../client/events.ts";
import { ifThere } from "../../client/if-there.ts";
import type { Change } from "../../client/informer.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { followCustomKinds } from "../custom-kinds.ts";
import { deletableKinds } from "../resources.ts";
import { type Action, decide, foreground, hasFinalizer, type OwnerState } from "./decide.ts";
import { Graph, ownersOf, type Place, placeText } from "./graph.ts";

// What an object contains is nothing to the collector: it must not be the one that keeps it all in memory.
const onlyIdentity = { keeps: "identity" } as const;
// Events are many and own nothing and are owned by nothing.
const leftOut = (kind: Kind): boolean => kind.kind === "Event";

/**
 * Deletes objects whose owners are gone, in the background, in the foreground, or sets them free (Kubernetes docs,
 * "Garbage Collection"). Works on every kind there is, custom ones from the moment they are served.
 */
export async function startGarbageCollection(environment: ControllerEnvironment): Promise<Disposable> {
  const { informers, clock } = environment;
  const log = environment.log.part("garbage-collection");
  const events = openEventRecorder({ ...environment, log, component: "garbage-collector-controller" });
  const graph = new Graph();
  const collector = new Collector(graph, environment, (about, message) =>
    events.record(about, { type: "Warning", reason: "OwnerRefInvalidNamespace", message }),
  );
  const counts = environment.queues?.of("garbage-collection", () => queue.length);
  const queue = new WorkQueue({
    clock,
    ...(counts && { counts }),
    workers: 20,
    work: async (text) => {
      const place = graph.placeFrom(text);
      for (const next of place ? await collector.collect(place) : []) queue.add(placeText(next));
      return undefined;
    },
    failed: (key, error) => log.debug("will try again", { key, error }),
  });
  const changed = (kind: Kind) => (change: Change<KubeObject>) => {
    graph.note(kind, change);
    for (const place of affected(graph, kind, change)) queue.add(placeText(place));
  };

  const kinds = deletableKinds.filter((kind) => !leftOut(kind));
  const listeners = kinds.map((kind) => {
    const informer = informers.of(kind, onlyIdentity);
    graph.add(kind, informer);
    return informer.onChange(changed(kind));
  });
  await Promise.all(kinds.map((kind) => informers.of(kind, onlyIdentity).synced));

  listeners.push(
    followCustomKinds({ ...environment, log }, (kind, informer) => {
      graph.add(kind, informer);
      const listener = informer.onChange(changed(kind));
      return {
        [Symbol.dispose]() {
          listener[Symbol.dispose]();
          graph.remove(kind);
        },
      };
    }),
  );

  return {
    [Symbol.dispose]() {
      for (const listener of listeners) listener[Symbol.dispose]();
      queue[Symbol.dispose]();
      events[Symbol.dispose]();
    },
  };
}

/** Which objects a change may concern: the object, those that depend on it, and owners that wait for it. */
function affected(graph: Graph, kind: Kind, { key, before, after }: Change<KubeObject>): readonly Place[] {
  const owners = [...(before?.metadata.ownerReferences ?? []), ...(after?.metadata.ownerReferences ?? [])];
  const waiting = owners.flatMap((reference) => {
    const place = graph.placeOf(reference, key.namespace);
    const owner = place && graph.object(place);
    return place && owner && isLeaving(owner) && hasFinalizer(owner, foreground) ? [place] : [];
  });
  const uid = (after ?? before)?.metadata.uid;
  if (!after) return [...waiting, ...graph.dependentsOf(uid)];
  return ownersOf(after).size > 0 || isLeaving(after) ? [{ kind, key }, ...waiting] : waiting;
}

/** Looks at one object and carries out what is decided. */
class Collector {
  readonly #graph: Graph;
  readonly #environment: ControllerEnvironment;
  readonly #warn: (about: KubeObject, message: string) => void;

  constructor(graph: Graph, environment: ControllerEnvironment, warn: (about: KubeObject, message: string) => void) {
    this.#graph = graph;
    this.#environment = environment;
    this.#warn = warn;
  }

  /** Resolves with further objects to look at. */
  async collect(place: Place): Promise<readonly Place[]> {
    const object = this.#graph.object(place);
    if (!object) return [];
    const dependents = this.#graph.dependentsOf(object.metadata.uid);
    const references = isLeaving(object) ? [] : (object.metadata.ownerReferences ?? []);
    const owners = await Promise.all(
      references.map(async (reference) => ({ reference, state: await this.#stateOf(reference, place, object) })),
    );
    const objects = dependents.flatMap((dependent) => this.#graph.object(dependent) ?? []);
    return this.#carryOut(decide({ object, owners, dependents: objects }), place, object, dependents);
  }

  async #carryOut(
    action: Action,
    place: Place,
    object: KubeObject,
    dependents: readonly Place[],
  ): Promise<readonly Place[]> {
    const { metadata } = object;
    switch (action.do) {
      case "nothing":
        return [];
      case "waitFor":
        return dependents;
      case "release":
        await this.#setOwners(place, object, (refs) => refs.filter(({ uid }) => !action.uids.includes(uid)));
        return [];
      case "orphanDependents":
        for (const dependent of dependents) {
          const held = this.#graph.object(dependent);
          if (held) await this.#setOwners(dependent, held, (refs) => refs.filter(({ uid }) => uid !== metadata.uid));
        }
        await this.#removeFinalizer(place, object, "orphan");
        return [];
      case "removeFinalizer":
        await this.#removeFinalizer(place, object, action.finalizer);
        return [];
      case "delete": {
        if (action.unblock)
          await this.#setOwners(place, object, (refs) => refs.map((ref) => ({ ...ref, blockOwnerDeletion: false })));
        // The owners were looked up: what was decided holds for this very object.
        const preconditions = {
          uid: metadata.uid,
          ...(!action.unblock && { resourceVersion: metadata.resourceVersion }),
        };
        await this.#request("delete", place, { options: { propagationPolicy: action.policy, preconditions } });
        return [];
      }
    }
  }

  async #stateOf(reference: OwnerReference, place: Place, object: KubeObject): Promise<OwnerState> {
    const owner = this.#graph.placeOf(reference, place.key.namespace);
    if (!owner) return "unknown";
    const { apiVersion, kind, name, uid } = reference;
    const { namespace = "" } = place.key;
    const warnIfElsewhere = (): void => {
      if (owner.kind.scope !== "Namespaced" || !this.#graph.livesSomewhere(owner.kind, uid)) return;
      const described = `ownerRef [${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
      this.#warn(object, `${described} does not exist in namespace ${JSON.stringify(namespace)}`);
    };
    // An object of the cluster can have no owner in a namespace: nothing will ever come of such a reference.
    if (owner.kind.scope === "Namespaced" && namespace === "") {
      warnIfElsewhere();
      return "unknown";
    }
    const held = this.#graph.object(owner);
    const found = held?.metadata.uid === uid ? held : await this.#live(owner);
    if (found?.metadata.uid !== uid) {
      warnIfElsewhere();
      return "absent";
    }
    return isLeaving(found) && hasFinalizer(found, foreground) ? "waiting" : "there";
  }

  /** The server's own answer: the informers may lag behind. */
  #live(place: Place): Promise<KubeObject | undefined> {
    return ifThere(this.#request("get", place, {})) as Promise<KubeObject | undefined>;
  }

  async #setOwners(
    place: Place,
    { metadata }: KubeObject,
    change: (references: OwnerReference[]) => OwnerReference[],
  ): Promise<void> {
    const ownerReferences = change(metadata.ownerReferences ?? []);
    await this.#patch(place, metadata.resourceVersion, {
      ownerReferences: ownerReferences.length > 0 ? ownerReferences : null,
    });
  }

  async #removeFinalizer(place: Place, { metadata }: KubeObject, finalizer: string): Promise<void> {
    const finalizers = metadata.finalizers?.filter((name) => name !== finalizer) ?? [];
    await this.#patch(place, metadata.resourceVersion, { finalizers: finalizers.length > 0 ? finalizers : null });
  }

  /** With the resourceVersion: what someone else changed meanwhile is never overwritten, the next round sees it. */
  async #patch(place: Place, resourceVersion: string | undefined, metadata: object): Promise<void> {
    const patch = { type: "merge" as const, document: { metadata: { ...metadata, resourceVersion } } };
    await this.#request("patch", place, { patch });
  }

  async #request(
    verb: "get" | "patch" | "delete",
    { kind, key }: Place,
    more: { options?: RequestOptions; patch?: { type: "merge"; document: unknown } },
  ) {
    const { group, version, plural } = kind;
    try {
      return await this.#environment.client.transport.request({
        verb,
        group,
        version,
        resource: plural,
        ...key,
        ...more,
      });
    } catch (error) {
      if (verb !== "get" && isReason(error, "NotFound")) return undefined; // it is gone: what was wanted, or nothing to do
      throw error instanceof Error ? error : new Error(`${verb} ${kind.plural} ${keyText(key)}`, { cause: error });
    }
  }
}
