import { customResourceDefinition } from "../../../api/kinds/apiextensions/custom-resource-definition.ts";
import type { CustomResourceDefinition } from "../../../api/schema/types.ts";
import { systemCall } from "../../system/system-call.ts";
import { deleteCollection } from "../delete.ts";
import type { Registry } from "../deps.ts";
import { follow, onChange } from "../follow.ts";
import { timestamp } from "../metadata.ts";
import { committedObjects, prefixOf } from "../objects.ts";
import { storePrefix } from "../resources.ts";
import { updateObject } from "../update.ts";
import { followApiServices } from "./api-services.ts";
import { cleanupFinalizer } from "./held-by-objects.ts";
import { resourcesFrom } from "./resource-from-definition.ts";

type Names = CustomResourceDefinition["spec"]["names"];
type Condition = NonNullable<NonNullable<CustomResourceDefinition["status"]>["conditions"]>[number];

/**
 * Serves what CustomResourceDefinitions define: accepts their names, puts their resources into the catalog and, when they
 * go, deletes the objects first. Follows the store, so that every server serves what any of them was told.
 */
export class Definitions implements Disposable {
  readonly #registry: Registry;
  readonly #following: Disposable;
  /** By name, those that were last heard of. */
  readonly #known = new Map<string, CustomResourceDefinition>();
  #working: Promise<void> = Promise.resolve();
  /** Definitions that are going and wait for objects with finalizers of their own. */
  readonly #leaving = new Map<string, Disposable>();

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#following = follow(registry.store, customResourceDefinition, {
      begin: (definitions) => this.#begin(definitions),
      put: (definition) => this.#later(definition),
      remove: (definition) => this.#forget(definition),
    });
  }

  #begin(definitions: readonly CustomResourceDefinition[]): void {
    const names = new Set(definitions.map(({ metadata }) => metadata.name));
    for (const [name, definition] of [...this.#known]) if (!names.has(name)) this.#forget(definition);
    for (const definition of definitions) this.#later(definition);
  }

  /** Resolves when the definitions that were there at the start are served. */
  get ready(): Promise<void> {
    return this.#working;
  }

  #later(definition: CustomResourceDefinition): void {
    this.#known.set(definition.metadata.name, definition);
    this.#working = this.#working
      .then(() => this.#reconcile(definition))
      .catch((error: unknown) => {
        this.#registry.log.error("a custom resource is not served", { definition: definition.metadata.name, error });
      });
  }

  #forget({ metadata, spec }: CustomResourceDefinition): void {
    this.#known.delete(metadata.name);
    this.#leaving.get(metadata.name)?.[Symbol.dispose]();
    this.#leaving.delete(metadata.name);
    this.#working = this.#working.then(async () => {
      this.#registry.catalog.define(spec.group, spec.names.plural, []);
      await this.#publish();
    });
  }

  async #publish(): Promise<void> {
    try {
      await followApiServices(this.#registry);
    } catch (error) {
      this.#registry.log.error("the APIServices of custom groups were not brought up to date", { error });
    }
  }

  async #reconcile(definition: CustomResourceDefinition): Promise<void> {
    const { spec, status, metadata } = definition;
    const { accepted, conflict } = this.#acceptNames(definition);
    const conditions = conditionsOf(definition, conflict, timestamp(this.#registry.clock.now()));
    const isEstablished = conditions.some(({ type, status: is }) => type === "Established" && is === "True");
    const served = { ...definition, status: { ...status, acceptedNames: accepted } };
    this.#registry.catalog.define(
      spec.group,
      spec.names.plural,
      isEstablished ? resourcesFrom(served, this.#registry.webhooks) : [],
    );
    await this.#publish();
    const isLeaving = metadata.deletionTimestamp !== undefined;
    await this.#change(definition, accepted, conditions);
    if (isLeaving && metadata.finalizers?.includes(cleanupFinalizer)) await this.#cleanUp(definition);
  }

  /** Writes status and finalizer where they differ. */
  async #change(definition: CustomResourceDefinition, acceptedNames: Names, conditions: Condition[]): Promise<void> {
    const resource = this.#registry.catalog.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    const { name } = definition.metadata;
    if (!resource || !this.#registry.store.latest(prefixOf(customResourceDefinition) + name)) return;
    const call = { ...systemCall(resource, { name }), subresource: "status" };
    await updateObject(this.#registry, call, {
      change: (old) => ({
        ...structuredClone(old),
        status: { ...(old.status as object | undefined), conditions, acceptedNames },
      }),
    });
  }

  #acceptNames({ metadata, spec, status }: CustomResourceDefinition): {
    accepted: Names;
    conflict: Conflict | undefined;
  } {
    const { plural, singular, shortNames = [], kind, listKind, categories } = spec.names;
    const others = committedObjects(this.#registry.store, customResourceDefinition).filter(
      (other) => other.spec.group === spec.group && other.metadata.name !== metadata.name,
    );
    const taken = others.flatMap((other) => other.status?.acceptedNames ?? []);
    const names = new Set(taken.flatMap((own) => [own.plural, own.singular, ...(own.shortNames ?? [])]));
    const kinds = new Set(taken.flatMap((own) => [own.kind, own.listKind]));
    const before: Names = status?.acceptedNames ?? { plural: "", kind: "" };
    let conflict: Conflict | undefined;
    const free = <T>(value: T, isTaken: boolean, reason: string, old: T, text: string): T => {
      if (!isTaken) return value;
      conflict = { reason, message: `${JSON.stringify(text)} is already in use` };
      return old;
    };
    const busyShort = shortNames.find((name) => names.has(name));
    const accepted: Names = {
      plural: free(plural, names.has(plural), "PluralConflict", before.plural, plural),
      ...optional("singular", free(singular, names.has(singular), "SingularConflict", before.singular, singular ?? "")),
      ...optional(
        "shortNames",
        free(
          shortNames.length > 0 ? shortNames : undefined,
          busyShort !== undefined,
          "ShortNamesConflict",
          before.shortNames,
          busyShort ?? "",
        ),
      ),
      kind: free(kind, kinds.has(kind), "KindConflict", before.kind, kind),
      ...optional("listKind", free(listKind, kinds.has(listKind), "ListKindConflict", before.listKind, listKind ?? "")),
      ...optional("categories", categories?.length ? categories : undefined),
    };
    return { accepted, conflict };
  }

  /** Deletes all objects; when none is left the definition goes as well. */
  async #cleanUp({ metadata, spec }: CustomResourceDefinition): Promise<void> {
    const { catalog, store } = this.#registry;
    const resource = catalog.all().find(({ kind }) => kind.group === spec.group && kind.plural === spec.names.plural);
    if (resource) await deleteCollection(this.#registry, systemCall(resource, {}));
    const left = resource ? store.count(storePrefix(resource, undefined)) : 0;
    if (left === 0) return this.#release(metadata.name);
    if (!resource || this.#leaving.has(metadata.name)) return;
    const waiting = onChange(store, storePrefix(resource, undefined), () => {
      if (store.count(storePrefix(resource, undefined)) > 0) return;
      this.#leaving.get(metadata.name)?.[Symbol.dispose]();
      this.#leaving.delete(metadata.name);
      this.#working = this.#working.then(() => this.#release(metadata.name));
    });
    this.#leaving.set(metadata.name, waiting);
  }

  async #release(name: string): Promise<void> {
    const resource = this.#registry.catalog.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    if (!resource || !this.#registry.store.latest(prefixOf(customResourceDefinition) + name)) return;
    await updateObject(this.#registry, systemCall(resource, { name }), {
      change: (old) => ({
        ...structuredClone(old),
        metadata: {
          ...structuredClone(old.metadata),
          finalizers: (old.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer),
        },
      }),
    });
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
    for (const waiting of this.#leaving.values()) waiting[Symbol.dispose]();
  }
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

function optional<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined || value === "" ? {} : ({ [key]: value } as Record<K, T>);
}

function conditionsOf(definition: CustomResourceDefinition, conflict: Conflict | undefined, now: string): Condition[] {
  const before = definition.status?.conditions ?? [];
  const wasEstablished = before.some(({ type, status }) => type === "Established" && status === "True");
  const set = (conditions: Condition[], next: Omit<Condition, "lastTransitionTime">): Condition[] => {
    const old = conditions.find(({ type }) => type === next.type);
    const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? now) : now;
    const made: Condition = {
      type: next.type,
      status: next.status,
      lastTransitionTime,
      ...(next.reason !== undefined && { reason: next.reason }),
      ...(next.message !== undefined && { message: next.message }),
    };
    return old ? conditions.map((condition) => (condition === old ? made : condition)) : [...conditions, made];
  };
  const approval = approvalOf(definition);
  let conditions = set(approval ? set([...before], approval) : [...before], {
    type: "NamesAccepted",
    status: conflict ? "False" : "True",
    reason: conflict?.reason ?? "NoConflicts",
    message: conflict?.message ?? "no conflicts found",
  });
  if (!conflict && !wasEstablished)
    conditions = set(conditions, {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    });
  if (conflict && !wasEstablished)
    conditions = set(conditions, {
      type: "Established",
      status: "False",
      reason: "NotAccepted",
      message: "not all names are accepted",
    });
  if (definition.metadata.deletionTimestamp !== undefined)
    conditions = set(conditions, {
      type: "Terminating",
      status: "True",
      reason: "InstanceDeletionInProgress",
      message: "CustomResource deletion is in progress",
    });
  return conditions;
}

/** Of Kubernetes' own groups it is said whether Kubernetes' people agreed to the API. */
function approvalOf({ spec, metadata }: CustomResourceDefinition): Omit<Condition, "lastTransitionTime"> | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return undefined;
  const type = "KubernetesAPIApprovalPolicyConformant";
  const approval = metadata.annotations?.["api-approved.kubernetes.io"] ?? "";
  if (approval.startsWith("unapproved"))
    return {
      type,
      status: "False",
      reason: "UnapprovedAnnotation",
      message: `not approved: ${JSON.stringify(approval)}`,
    };
  return { type, status: "True", reason: "ApprovedAnnotation", message: `approved in ${approval}` };
}
