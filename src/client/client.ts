import { apiVersionOf, type Kind } from "../api/kind.ts";
import type { AnyObject, KubeObject, ObjectKey } from "../api/object.ts";
import type { ListOf, Patch, RequestOptions, WatchEvent } from "../api/request.ts";
import type { Transport } from "./transport.ts";

export interface ListQuery {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export type DeleteQuery = Pick<RequestOptions, "gracePeriodSeconds" | "propagationPolicy" | "preconditions">;

/**
 * The Kubernetes API as every part of skiff uses it, in process or from afar. Objects that it returns are frozen.
 * Every call throws StatusError with the server's words, any other error when the server was not reached.
 */
export interface Client {
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, query?: ListQuery): Promise<ListOf<T>>;
  watch<T extends KubeObject>(kind: Kind<T>, query: ListQuery, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
  /** The namespace is the object's own. apiVersion and kind are filled in. */
  create<T extends KubeObject>(kind: Kind<T>, object: Unsaved<T>): Promise<T>;
  update<T extends KubeObject>(kind: Kind<T>, object: T, at?: { subresource?: string }): Promise<T>;
  updateStatus<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T>;
  patch<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, patch: Patch, at?: { subresource?: string }): Promise<T>;
  delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, query?: DeleteQuery): Promise<void>;
  /** Posts to a subresource: binding, eviction, token. Returns what the server answers. */
  post<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, subresource: string, body: AnyObject): Promise<AnyObject>;
  /** The transport, for parts that work with kinds they learn at run time (garbage collection, namespaces). */
  readonly transport: Transport;
}

/** An object that is to be created: without apiVersion and kind, perhaps with generateName instead of a name. */
export type Unsaved<T extends KubeObject> = Omit<T, "apiVersion" | "kind" | "metadata"> & {
  metadata: Partial<T["metadata"]>;
};

/** Makes a client of a transport. `fieldManager` is what managedFields will say of its writes. */
export function openClient(transport: Transport, { fieldManager }: { fieldManager: string }): Client {
  const at = (kind: Kind<never>) => ({ group: kind.group, version: kind.version, resource: kind.plural });
  const options = { fieldManager };
  const write = async <T extends KubeObject>(
    verb: "create" | "update",
    kind: Kind<T>,
    object: object,
    subresource?: string,
  ) => {
    const body = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind } as AnyObject;
    const { namespace, name } = body.metadata;
    const target = { namespace, ...(verb === "update" && { name }), subresource };
    return (await transport.request({ verb, ...at(kind as never), ...target, body, options })) as T;
  };

  return {
    transport,
    get: async (kind, key) => (await transport.request({ verb: "get", ...at(kind as never), ...key })) as never,
    list: async (kind, { namespace, ...query } = {}) =>
      (await transport.request({ verb: "list", ...at(kind as never), namespace, options: query })) as never,
    watch: (kind, query, signal) => transport.watch({ ...at(kind as never), ...query }, signal) as never,
    create: (kind, object) => write("create", kind, object),
    update: (kind, object, { subresource } = {}) => write("update", kind, object, subresource),
    updateStatus: (kind, object) => write("update", kind, object, "status"),
    patch: async (kind, key, patch, { subresource } = {}) =>
      (await transport.request({ verb: "patch", ...at(kind as never), ...key, subresource, patch, options })) as never,
    delete: async (kind, key, query = {}) =>
      void (await transport.request({ verb: "delete", ...at(kind as never), ...key, options: query })),
    post: async (kind, key, subresource, body) =>
      (await transport.request({
        verb: "create",
        ...at(kind as never),
        ...key,
        subresource,
        body,
        options,
      })) as AnyObject,
  };
}
