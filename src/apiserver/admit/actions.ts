import type { AnyObject } from "../../api/object.ts";
import type { Call } from "../call.ts";
import type { RequestInfo } from "../http/request-info.ts";
import type { Registry } from "../registry/deps.ts";
import { systemCall } from "../system/system-call.ts";
import type { UserInfo } from "../user.ts";

/**
 * Asks admission whether somebody may connect to what an object stands for (exec, attach, port-forward, proxy).
 * @throws {StatusError} to refuse
 */
export async function admitConnect({ admission }: Registry, call: Call, query: URLSearchParams): Promise<void> {
  const { resource, subresource = "" } = call;
  const part = resource.kind.subresources[subresource];
  if (part?.sort !== "action") return;
  const object = { kind: part.kind, apiVersion: part.version ?? "v1", metadata: {}, ...optionsFrom(query) };
  const review = { call, operation: "CONNECT", object: object as AnyObject, old: undefined } as const;
  await admission.mutate(review);
  await admission.validate(review);
}

/** The same for a pod, whose connection changes its protocol. */
export async function admitPodConnect(
  registry: Registry,
  user: UserInfo,
  { namespace, name, subresource }: RequestInfo,
  query: URLSearchParams,
): Promise<void> {
  const resource = registry.catalog.find("", "v1", "pods");
  if (!resource) return;
  const call = { ...systemCall(resource, { namespace, name }), subresource, user };
  await admitConnect(registry, call, query);
}

/**
 * Asks admission about what is posted to an action: a binding, an eviction, a review; it may change that.
 * @throws {StatusError} to refuse
 */
export async function admitPosted({ admission }: Registry, call: Call, object: AnyObject): Promise<void> {
  const review = { call, operation: "CREATE", object, old: undefined } as const;
  await admission.mutate(review);
  await admission.validate(review);
}

const flags = new Set(["stdin", "stdout", "stderr", "tty"]);
const lists = new Set(["command", "ports"]);

/** The options of a connection as an object (API reference, "PodExecOptions"). */
function optionsFrom(query: URLSearchParams): Record<string, unknown> {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const text = query.get(name) ?? "";
      if (lists.has(name)) return [name, query.getAll(name)];
      return [name, flags.has(name) ? text !== "false" && text !== "0" : text];
    }),
  );
}
