import type { RequestOptions } from "../api/request.ts";
import type { Resource } from "./registry/resources.ts";
import type { UserInfo } from "./user.ts";

/** Adds to what the audit log says of a request; the first value of a key stands. */
export type Annotate = (key: string, value: string) => void;

/** A request on a resource, authenticated and authorized, on its way through admission and registry. */
export interface Call {
  readonly user: UserInfo;
  readonly resource: Resource;
  readonly subresource: string | undefined;
  /** Undefined for cluster-scoped objects and for lists over all namespaces. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly options: RequestOptions;
  /** Who the fields that this request writes belong to. */
  readonly fieldManager: string;
  /** A text for the Warning header. */
  warn(text: string): void;
  /** What the audit log says besides; absent where the request is not recorded. */
  readonly annotate?: Annotate | undefined;
  /** Throws when the user may not do this as well (a PUT that turns out to be a create). */
  alsoNeeds(verb: "create"): void;
}
