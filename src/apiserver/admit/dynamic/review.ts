import { randomUUID } from "node:crypto";
import type { AnyObject } from "../../../api/object.ts";
import type { RequestOptions } from "../../../api/request.ts";
import { fromStored, toStored } from "../../registry/held.ts";
import type { Review } from "../admission.ts";
import { type SeenAs, seenAs } from "./match.ts";

/** Whether objects are as clients wrote them (in the request's version), or as they will be stored. */
export type Phase = "mutate" | "validate";

/** The object of a review in the version in which it is shown. */
export function shownObject(
  { call }: Review,
  object: AnyObject | undefined,
  { as }: SeenAs,
  phase: Phase,
): AnyObject | undefined {
  if (!object || !as) return object;
  if (phase === "validate") return fromStored(as, object);
  return as === call.resource ? object : fromStored(as, toStored(call.resource, structuredClone(object)));
}

/** What webhooks and expressions are told of a request (API reference, "AdmissionRequest"), without its objects. */
export function requestOf(review: Review, seen: SeenAs): Record<string, unknown> {
  const { call, operation } = review;
  const asked = seenAs(review);
  const { user, subresource = "", namespace, options } = call;
  const name = call.name ?? review.object?.metadata.name ?? review.old?.metadata.name;
  return {
    uid: randomUUID(),
    kind: seen.kind,
    resource: seen.resource,
    ...(subresource && { subResource: subresource }),
    requestKind: asked.kind,
    requestResource: asked.resource,
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    // A Namespace's requests are made in itself.
    ...((namespace ?? ownNamespace(review)) !== undefined && { namespace: namespace ?? ownNamespace(review) }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid && { uid: user.uid }),
      groups: user.groups,
      ...(Object.keys(user.extra).length > 0 && { extra: user.extra }),
    },
    dryRun: options.dryRun ?? false,
    options: optionsOf(operation, options),
  };
}

function ownNamespace({ call, object, old }: Review): string | undefined {
  return call.resource.bucket === "namespaces" ? (call.name ?? (object ?? old)?.metadata.name) : undefined;
}

const optionKinds: Readonly<Record<Review["operation"], string | undefined>> = {
  CREATE: "CreateOptions",
  UPDATE: "UpdateOptions",
  DELETE: "DeleteOptions",
  CONNECT: undefined,
};

function optionsOf(operation: Review["operation"], options: RequestOptions): Record<string, unknown> | null {
  const kind = optionKinds[operation];
  if (!kind) return null;
  const { fieldManager, fieldValidation, dryRun, gracePeriodSeconds, propagationPolicy, preconditions } = options;
  const own =
    operation === "DELETE"
      ? { gracePeriodSeconds, propagationPolicy, preconditions }
      : { fieldManager: fieldManager || undefined, fieldValidation };
  const said = Object.entries({ ...own, dryRun: dryRun ? ["All"] : undefined }).filter(
    ([, value]) => value !== undefined,
  );
  return { kind, apiVersion: "meta.k8s.io/v1", ...Object.fromEntries(said) };
}
