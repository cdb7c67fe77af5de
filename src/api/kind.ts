import { plainColumns } from "./columns.ts";
import { applyTypeDefaults } from "./defaults.ts";
import { dropDisabledFields } from "./disabled-fields.ts";
import type { FieldError, Path } from "./field.ts";
import type { KubeObject } from "./object.ts";

/** The verbs of a request on a resource, as RBAC knows them. */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";
export const allVerbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/**
 * A kind: all that the API server knows of it. Discovery, routing, defaulting, validation, tables, patching, RBAC and
 * OpenAPI read these entries; none of them knows a kind by name. CustomResourceDefinitions become such entries at run time.
 *
 * `T` is the object as stored: defaulted and valid. What takes one is written as a method, so that a list of kinds of
 * different types is a list of kinds.
 */
export interface Kind<T extends KubeObject = KubeObject> {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly verbs: readonly Verb[];
  /** The name of the object's type in the schema table ("io.k8s.api.apps.v1.ReplicaSet"). */
  readonly type: string;
  readonly subresources: Readonly<Record<string, Subresource>>;
  readonly strategy: Strategy<T>;
  /** All columns of its table, Name and Age included (columns.ts); Name and Created At unless said. */
  readonly columns: readonly Column<T>[];
  /** The order of rows in tables of lists; that of the names unless said. */
  tableOrder?(a: T, b: T): number;
  /**
   * Another version of the same resource, under which objects are stored. `to` and `from` convert; they may change the
   * object they are given. Absent: objects are stored as they are here.
   */
  readonly stored?: StoredAs | undefined;
  /** Annotations that only the whole object has, since they are another form of a field: metadata alone is without them. */
  readonly fieldAnnotations?: readonly string[] | undefined;
  /** How soon a write is on disk (store/contract.ts, "Durability"); "commit" unless said. */
  durability?(object: T, before: T | undefined): "commit" | "lazy" | "memory";
  /**
   * What answers a create of a resource that stores nothing (reviews, tokens): the name of an action that the API server
   * has. Such a kind has the verb create only.
   */
  readonly action?: string | undefined;
}

export interface StoredAs {
  readonly group: string;
  readonly version: string;
  /** From this version to the stored one. */
  readonly to: (object: Record<string, unknown>) => Record<string, unknown>;
  /** From the stored version to this one. */
  readonly from: (object: Record<string, unknown>) => Record<string, unknown>;
}

/** A part of an object, or something one can do with it, under a path of its own. */
export type Subresource =
  /** Reads and writes the whole object but changes only what `owns` names by paths: "status", "spec.ephemeralContainers"…. */
  | {
      readonly sort: "part";
      readonly owns: readonly string[];
      /** Paths of metadata that it leaves as they were. */
      readonly keeps?: readonly string[];
      /** Paths of what it owns that its writers do not claim in managedFields. */
      readonly unclaimed?: readonly string[];
      readonly verbs: readonly Verb[];
    }
  /** Seen as autoscaling/v1 Scale. Paths into the object. */
  | {
      readonly sort: "scale";
      readonly specReplicas: string;
      readonly statusReplicas: string;
      /** The path of a LabelSelector, or of a text in a selector's form, or of a map of labels. */
      readonly selector?: string | undefined;
      readonly verbs: readonly Verb[];
    }
  /** Something the API server does ("binding", "eviction", "token", "exec", "log", "proxy"…): the action's name there. */
  | {
      readonly sort: "action";
      readonly action: string;
      readonly verbs: readonly Verb[];
      /** The kind of the body: what discovery says of it. */
      readonly kind: string;
      readonly group?: string;
      readonly version?: string;
    };

/** What happens to an object on its way in (Kubernetes docs, "API concepts"; the steps run in this order). */
export interface Strategy<T extends KubeObject = KubeObject> {
  /**
   * Fills in what the client left out. What a kind's file says sees an object that was decoded, pruned and given the
   * types' own defaults (defaults.ts), which defineKind puts before it. May change the object.
   */
  defaults?(object: T): void;
  /** Clears what a client may not set at creation, sets what the server decides. May change the object. `status` is cleared already. */
  prepareCreate?(object: T, writing: Writing): void;
  /** The same for an update of the object itself; `status` is the old one already. */
  prepareUpdate?(object: T, old: T, writing: Writing): void;
  /** The same for an update through a subresource of sort "part". */
  prepareSubresource?(subresource: string, object: T, old: T, writing: Writing): void;
  /** What is wrong with a new object. Metadata is checked for every kind before. */
  validate?(object: T, at: Path): FieldError[];
  /** What only a new object may not say. Runs after `validate`. */
  validateCreate?(object: T, at: Path): FieldError[];
  /** What is wrong with a change. Runs after `validate` on the new object and after the check of `immutable`, or with `changesFirst` before them. */
  validateUpdate?(object: T, old: T, at: Path): FieldError[];
  /** Whether clients are told what is wrong with a change before what is wrong with the object. */
  readonly changesFirst?: boolean;
  /** What is wrong with a change of a subresource of sort "part". */
  validateSubresource?(subresource: string, object: T, old: T, at: Path): FieldError[];
  /** Paths that keep their value for ever ("spec.selector"): a change is refused with "field is immutable". */
  readonly immutable?: readonly string[];
  /** Paths that a write of the object itself does not claim in managedFields: it cannot change them. */
  readonly unclaimed?: readonly string[];
  /** What names look like; a DNS subdomain unless said. Returns what is wrong. */
  readonly validateName?: (name: string) => readonly string[];
  /** Whether an update checks no more of metadata than what changed in it: what the kind says of names held at creation. */
  readonly trustsOldMetadata?: boolean;
  /**
   * Whether an update is judged twice, so that clients are told as often what is wrong: all of it, or all but its metadata. Some
   * kinds' rules for changes have those for new objects among them, and the kind asks for both.
   */
  readonly judgedTwice?: "whole" | "spec";
  /** Texts for the Warning header. */
  warnings?(object: T, old: T | undefined): readonly string[];
  /** The same for an update through a subresource of sort "part". */
  subresourceWarnings?(subresource: string, object: T): readonly string[];
  /** Field selectors beside metadata.name and metadata.namespace: paths, or a name with how to read it. */
  readonly selectable?: readonly (string | { readonly field: string; value(object: T): string })[];
  /** What is said of another field, where it is something of the kind's own. */
  unselectable?(field: string): string;
  /** Whether `metadata.generation` counts changes of everything but metadata and status. */
  readonly generation?: boolean;
  /** What raises `metadata.generation`, where it is something else. */
  raisesGeneration?(object: T, old: T): boolean;
  /** Whether a new object keeps the status that the client gave it: of a node, which comes to say what it is. */
  readonly statusOnCreate?: boolean;
  /** Whether PUT on an absent name creates. */
  readonly createOnUpdate?: boolean;
  /**
   * Whether Kubernetes stores less of a new object than it shows, so that the first update is a write even when it
   * changes nothing.
   */
  firstUpdateWrites?(object: T): boolean;
  /** Whether an update may leave resourceVersion out; true unless said. */
  readonly unconditionalUpdate?: boolean;
  /** How deletion goes; at once (finalizers aside) unless said. */
  readonly deletion?: Deletion<T>;
}

/** Who writes an object, and when. */
export interface Writing {
  readonly user: {
    readonly name: string;
    readonly uid: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
  };
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Tells the writer something in the Warning header. */
  warn(text: string): void;
}

export interface Deletion<T extends KubeObject = KubeObject> {
  /** Seconds of grace that this object gets, given what the client asked for; 0 deletes at once. Absent: no grace. */
  graceSeconds?(object: T, asked: number | undefined): number;
  /** What to change in the object when its deletion begins; deletionTimestamp is set. */
  begin?(object: T): void;
  /** What happens to dependents when the client names no policy: "background" unless said. */
  readonly propagation?: "orphan" | "background";
  /** Said in the Warning header when the client names no policy. */
  readonly warning?: string;
  /** Whether the answer to a delete is the object itself rather than a Status. */
  readonly answersObject?: boolean;
}

/** A column of the table that `kubectl get` prints (Kubernetes docs, "API concepts", section "Receiving resources as Tables"). */
export interface Column<T extends KubeObject = KubeObject> {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description?: string;
  /** 0: always shown; 1: with -o wide. */
  readonly priority?: number;
  /** Whether rows have the cell though the table does not declare the column. */
  readonly undeclared?: boolean;
  /** `now` is in milliseconds since 1970. */
  cell(object: T, now: number): unknown;
}

/** What a kind's file says; the rest follows from it. */
export type KindDefinition<T extends KubeObject> = Pick<Kind<T>, "group" | "version" | "kind" | "plural" | "scope"> &
  Partial<Omit<Kind<T>, "group" | "version" | "kind" | "plural" | "scope" | "subresources" | "strategy">> &
  Strategy<T> & {
    readonly subresources?: Readonly<Record<string, SubresourceDefinition>>;
  };

/** `status: true` is the usual part; objects without `sort` are a scale. */
export type SubresourceDefinition =
  | true
  | Subresource
  | { readonly specReplicas: string; readonly statusReplicas: string; readonly selector?: string };

/** The status of newer kinds: a write of it changes nothing of the metadata that a client might set. */
export const statusAlone: SubresourceDefinition = {
  sort: "part",
  owns: ["status"],
  keeps: ["metadata.labels", "metadata.annotations", "metadata.finalizers", "metadata.ownerReferences"],
  verbs: ["get", "patch", "update"],
};

/** Declares a kind. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): Kind<T> {
  const { group, version, kind, plural, scope, singular, shortNames, categories, verbs, type, columns, stored } =
    definition;
  const { durability, action, fieldAnnotations, tableOrder, subresources = {}, ...strategy } = definition;
  const objectType = type ?? `io.k8s.api.${group.split(".")[0] || "core"}.${version}.${kind}`;
  return {
    group,
    version,
    kind,
    plural,
    scope,
    singular: singular ?? kind.toLowerCase(),
    shortNames: shortNames ?? [],
    categories: categories ?? [],
    verbs: verbs ?? (action ? ["create"] : allVerbs),
    type: objectType,
    subresources: Object.fromEntries(
      Object.entries(subresources).map(([name, sub]) => [name, subresourceFrom(name, sub)]),
    ),
    strategy: {
      ...strategy,
      defaults(object) {
        applyTypeDefaults(object, objectType);
        strategy.defaults?.(object);
      },
      prepareCreate(object, writing) {
        dropDisabledFields(object, undefined, objectType);
        strategy.prepareCreate?.(object, writing);
      },
      prepareUpdate(object, old, writing) {
        dropDisabledFields(object, old, objectType);
        strategy.prepareUpdate?.(object, old, writing);
      },
    },
    columns: columns ?? plainColumns,
    stored,
    ...(durability && { durability }),
    ...(tableOrder && { tableOrder }),
    action,
    fieldAnnotations,
  };
}

function subresourceFrom(name: string, definition: SubresourceDefinition): Subresource {
  const verbs: readonly Verb[] = ["get", "patch", "update"];
  if (definition === true) return { sort: "part", owns: [name], verbs };
  return "sort" in definition ? definition : { sort: "scale", verbs, ...definition };
}

/** "apps/v1", or "v1" for the core group. */
export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group ? `${group}/${version}` : version;
}

/** The inverse of apiVersionOf. */
export function groupVersionFrom(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf("/");
  return slash < 0
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}
