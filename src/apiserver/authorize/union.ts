import { superuserGroup } from "../user.ts";
import type { Attributes, Authorizer, Decision } from "./attributes.ts";

/** Asks one authorizer after the other; the superusers' group needs none. */
export class UnionAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  decide(attributes: Attributes): Decision {
    if (attributes.user.groups.includes(superuserGroup)) return { allowed: true, reason: "" };
    const reasons: string[] = [];
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.decide(attributes);
      if (decision.allowed) return decision;
      if (decision.reason) reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join(", ") };
  }
}
