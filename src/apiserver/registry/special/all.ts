import type { Store } from "../../../store/contract.ts";
import type { Authorizer } from "../../authorize/attributes.ts";
import type { RbacAuthorizer } from "../../authorize/rbac.ts";
import type { Special } from "../deps.ts";
import { namespaces } from "./namespaces.ts";

export interface SpecialSurroundings {
  readonly store: Store;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly serviceCidrs: readonly string[];
  readonly nodePorts: { readonly from: number; readonly to: number };
}

/** By bucket: the kinds for which the server does more than store them. */
export function specialsFor(_surroundings: SpecialSurroundings): ReadonlyMap<string, Special> {
  return new Map<string, Special>([["namespaces", namespaces]]);
}
