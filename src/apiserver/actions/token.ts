import { invalid, Path } from "../../api/field.ts";
import type { AnyObject } from "../../api/object.ts";
import { badRequest, conflict, forbidden, notFound } from "../../api/status.ts";
import { tokenRefusal } from "../admit/node-restriction.ts";
import type { BoundObject, ServiceAccountTokens } from "../authenticate/service-account-tokens.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject } from "../registry/held.ts";
import { timestamp } from "../registry/metadata.ts";
import { storeKey } from "../registry/resources.ts";
import type { Action } from "./action.ts";

interface TokenSpec {
  audiences?: string[];
  expirationSeconds?: number;
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null;
}

const defaultSeconds = 3600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;

/** Makes a token for a service account (API reference, "TokenRequest"). */
export function requestToken({
  registry,
  accounts,
}: {
  readonly registry: Registry;
  readonly accounts: ServiceAccountTokens;
}): Action {
  return {
    async perform(call, body) {
      const { resource, namespace = "", name = "" } = call;
      refuseOtherAccount(body, name);
      const entry = registry.store.get(storeKey(resource, namespace, name));
      if (!entry) throw notFound(resource.name, name);
      const account = heldObject(entry).metadata;
      const spec = (body.spec ?? {}) as TokenSpec;
      const { expirationSeconds = defaultSeconds } = spec;
      refuseBadDuration(expirationSeconds);
      const why = tokenRefusal(call.user, spec.boundObjectRef, (pod) => {
        const held = registry.store.get(`/pods/${namespace}/${pod}`);
        return held && heldObject(held);
      });
      if (why !== undefined) throw forbidden(resource.name, name, why);
      const { bound, node } = boundObject(registry, spec, namespace, name);
      const audiences = spec.audiences?.length ? spec.audiences : accounts.defaultAudiences;
      const { token, expiresMs } = await accounts.issue({
        namespace,
        account: { name, uid: account.uid ?? "" },
        audiences,
        expirationSeconds,
        bound,
        node,
      });
      const creationTimestamp = timestamp(registry.clock.now());
      const { managedFields } = body.metadata;
      return {
        sort: "object",
        code: 201,
        resource: undefined,
        object: {
          kind: "TokenRequest",
          apiVersion: "authentication.k8s.io/v1",
          metadata: { name, namespace, ...(account.uid && { uid: account.uid }), creationTimestamp, managedFields },
          spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
          status: { token, expirationTimestamp: timestamp(expiresMs) },
        } as AnyObject,
      };
    },
  };
}

const group = "authentication.k8s.io";

function refuseOtherAccount({ metadata }: AnyObject, name: string): void {
  if (!metadata.name || metadata.name === name) return;
  const wrong = new Path("metadata.name").invalid(metadata.name, "must match the service account name if specified");
  throw invalid({ group, kind: "TokenRequest" }, name, [wrong]);
}

function refuseBadDuration(seconds: number): void {
  const at = new Path("spec.expirationSeconds");
  const wrong =
    seconds < leastSeconds
      ? at.invalid(seconds, "may not specify a duration less than 10 minutes")
      : seconds > mostSeconds
        ? at.invalid(seconds, "may not specify a duration larger than 2^32 seconds")
        : undefined;
  if (wrong) throw invalid({ group, kind: "TokenRequest" }, "", [wrong]);
}

interface Bound {
  readonly bound: BoundObject | undefined;
  readonly node: { readonly name: string; readonly uid: string } | undefined;
}

const kinds: Record<string, { readonly bucket: string; readonly namespaced: boolean }> = {
  Pod: { bucket: "pods", namespaced: true },
  Secret: { bucket: "secrets", namespaced: true },
  Node: { bucket: "nodes", namespaced: false },
};

function boundObject({ store }: Registry, { boundObjectRef }: TokenSpec, namespace: string, account: string): Bound {
  if (!boundObjectRef) return { bound: undefined, node: undefined };
  const { kind = "", apiVersion = "", name = "", uid } = boundObjectRef;
  const found = apiVersion === "v1" || apiVersion === "" ? kinds[kind] : undefined;
  if (!found) {
    const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
  const { bucket, namespaced } = found;
  const resource = { group: "", plural: bucket };
  const entry = store.get(namespaced ? `/${bucket}/${namespace}/${name}` : `/${bucket}/${name}`);
  if (!entry) throw notFound(resource, name);
  const object = heldObject(entry);
  if (uid && uid !== object.metadata.uid)
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  const spec = (object.spec ?? {}) as { serviceAccountName?: string; nodeName?: string };
  if (kind === "Pod" && spec.serviceAccountName !== account)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    );
  const node = kind === "Pod" && spec.nodeName ? store.get(`/nodes/${spec.nodeName}`) : undefined;
  return {
    bound: { kind: kind as BoundObject["kind"], name, uid: object.metadata.uid ?? "" },
    node: node && { name: spec.nodeName ?? "", uid: heldObject(node).metadata.uid ?? "" },
  };
}
