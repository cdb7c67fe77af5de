import type { Authenticator } from "../authenticate/authenticator.ts";
import type { ServiceAccountTokens } from "../authenticate/service-account-tokens.ts";
import type { Authorizer } from "../authorize/attributes.ts";
import type { RbacAuthorizer } from "../authorize/rbac.ts";
import type { NodeDialer } from "../node-dialer.ts";
import type { Registry } from "../registry/deps.ts";
import { accessReviews } from "./access-reviews.ts";
import type { Action } from "./action.ts";
import { bindPods } from "./binding.ts";
import { type Component, componentStatuses } from "./component-status.ts";
import { evictPods } from "./eviction.ts";
import { readLogs } from "./log.ts";
import { proxies } from "./proxy.ts";
import { podStreams } from "./streams.ts";
import { requestToken } from "./token.ts";
import { tokenReviews } from "./token-reviews.ts";

export interface ActionSurroundings {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly authenticator: Authenticator;
  readonly accounts: ServiceAccountTokens;
  readonly nodes: NodeDialer;
  readonly components: ReadonlySet<Component>;
}

/** What the kinds' `action` names stand for. */
export function allActions(surroundings: ActionSurroundings): ReadonlyMap<string, Action> {
  return new Map<string, Action>([
    ["binding", bindPods(surroundings)],
    ["eviction", evictPods(surroundings)],
    ["exec", podStreams(surroundings, "container")],
    ["attach", podStreams(surroundings, "container")],
    ["portforward", podStreams(surroundings, "none")],
    ["log", readLogs(surroundings)],
    ["proxy", proxies(surroundings)],
    ["token", requestToken(surroundings)],
    ["componentstatus", componentStatuses(surroundings.registry.store, surroundings.components)],
    ...tokenReviews(surroundings),
    ...accessReviews(surroundings),
  ]);
}
