import type { ResourceName } from "../../api/status.ts";
import { forbidden, type StatusError } from "../../api/status.ts";
import type { RequestInfo } from "../http/request-info.ts";
import type { UserInfo } from "../user.ts";

/** What somebody wants to do, as authorizers see it (Kubernetes docs, "Authorization", "Request attributes"). */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of a request that is on no resource. */
  readonly path: string;
  /** The field selector of a list or watch: what a node may see depends on it. */
  readonly fieldSelector?: string | undefined;
}

export function attributesOf(user: UserInfo, info: RequestInfo, fieldSelector?: string | undefined): Attributes {
  const { verb, isResource, group, resource, subresource, namespace, name, path } = info;
  return { user, verb, isResource, group, resource, subresource, namespace, name, path, fieldSelector };
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides what users may do. The first of several authorizers that allows decides; no opinion is no. */
export interface Authorizer {
  decide(attributes: Attributes): Decision;
}

/** The 403 that a user is answered with. */
export function refusal(attributes: Attributes, reason: string): StatusError {
  const { user, verb, isResource, group, resource, subresource, namespace, name, path } = attributes;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  const why = reason ? `: ${reason}` : "";
  if (!isResource) return forbidden(undefined, "", `${who} path ${JSON.stringify(path)}${why}`);
  const target: ResourceName = { group, plural: resource };
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : "at the cluster scope";
  return forbidden(target, name, `${who} resource ${JSON.stringify(what)} in API group "${group}" ${where}${why}`);
}

/**
 * Refuses who may connect to a pod's streams but not create them: over WebSocket they are asked for by a GET, and who may
 * look at everything must not be able to run commands.
 * @throws {StatusError} Forbidden, with the authorizers' reason alone
 */
export function refuseWithoutCreate(authorizer: Authorizer, attributes: Attributes): void {
  if (attributes.verb === "create") return;
  const { allowed, reason } = authorizer.decide({ ...attributes, verb: "create" });
  const { group, resource: plural, name } = attributes;
  if (!allowed) throw forbidden({ group, plural }, name, reason);
}
