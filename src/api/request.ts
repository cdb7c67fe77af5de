import type { AnyObject } from "./object.ts";

/**
 * A request on a resource in the API's own terms, however it came: over HTTP, or from a component in the same process.
 * Kubernetes docs, "API concepts".
 */
export interface ResourceRequest {
  readonly verb: "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection";
  readonly group: string;
  readonly version: string;
  /** The plural: "pods". */
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly options?: RequestOptions | undefined;
  /** The object of a create or update, the DeleteOptions of a delete. Given away: the receiver may change it. */
  readonly body?: AnyObject | undefined;
  readonly patch?: Patch | undefined;
}

/** The query parameters of the verbs (API reference, "Common Parameters"), decoded. */
export interface RequestOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Further parameters, of APIs that other servers serve. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict" | undefined;
  readonly force?: boolean | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  /** Older form of propagationPolicy: true is Orphan, false Background. */
  readonly orphanDependents?: boolean | undefined;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground" | undefined;
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined;
}

/** Kubernetes docs, "Update API Objects in Place Using kubectl patch". */
export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface Patch {
  readonly type: PatchType;
  /** The parsed document: a list of operations for "json", an object otherwise. */
  readonly document: unknown;
}

/** A resource as discovery lists it (API reference, "APIResource"). */
export interface DiscoveredResource {
  /** The plural. */
  readonly name: string;
  readonly kind: string;
  readonly namespaced?: boolean | undefined;
  readonly verbs?: readonly string[] | undefined;
}

/** A watch on a resource (Kubernetes docs, "API concepts", section "Efficient detection of changes"). */
export interface WatchRequest {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events behind this revision; absent or "0": begins with an ADDED for each object there is. */
  readonly resourceVersion?: string | undefined;
  readonly sendInitialEvents?: boolean | undefined;
}

export interface WatchEvent<T = AnyObject> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  /** Frozen and shared with every other receiver in this process. */
  readonly object: T;
}

export interface ListOf<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  /** Frozen and shared. */
  readonly items: readonly T[];
}
