import type { Subresource } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import type { Call } from "../call.ts";
import type { Exchange } from "../http/exchange.ts";
import type { ExpectedBody } from "../negotiate/decode-body.ts";
import type { Answer } from "../registry/answer.ts";

/** Something that the API server does when it is asked under a subresource's path, or instead of storing an object. */
export interface Action {
  /** Answers a body (a review, a binding, a request for a token). */
  perform?(call: Call, body: AnyObject): Promise<Answer>;
  /** Answers a get, or a list where the call has no name, of a kind that is not stored. */
  read?(call: Call): Promise<Answer>;
  /** Answers over the connection itself: logs, proxies. `rest`: what follows the subresource in the path. */
  stream?(call: Call, exchange: Exchange, rest: string, query: URLSearchParams): Promise<void>;
}

/** What is written to a scale subresource. */
export const scaleBody: ExpectedBody = {
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  type: "io.k8s.api.autoscaling.v1.Scale",
};

/** The type of what is written to a subresource that is no part of the object itself; undefined: it is the object's. */
export function partBody(of: ExpectedBody, subresource: Subresource | undefined): ExpectedBody | undefined {
  if (subresource?.sort === "scale") return scaleBody;
  if (subresource?.sort !== "action") return undefined;
  const { kind, group = of.group, version = of.version } = subresource;
  const alsoAs = kind === "Eviction" ? { alsoAs: "policy/v1beta1" } : {};
  return { kind, group, version, ...alsoAs, type: `io.k8s.api.${group.split(".")[0] || "core"}.${version}.${kind}` };
}
