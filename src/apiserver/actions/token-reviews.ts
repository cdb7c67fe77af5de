import type { AnyObject } from "../../api/object.ts";
import { badRequest } from "../../api/status.ts";
import type { Authenticator, TokenOwner } from "../authenticate/authenticator.ts";
import { withAuthenticated } from "../authenticate/authenticator.ts";
import { BadToken, type ServiceAccountTokens } from "../authenticate/service-account-tokens.ts";
import type { Answer } from "../registry/answer.ts";
import type { Registry } from "../registry/deps.ts";
import { timestamp } from "../registry/metadata.ts";
import type { UserInfo } from "../user.ts";
import type { Action } from "./action.ts";

interface ReviewSpec {
  readonly token?: string;
  readonly audiences?: readonly string[];
}

/** Says who somebody is: the bearer of a token, or the asking user (Kubernetes docs, "Authenticating"). */
export function tokenReviews({
  registry,
  authenticator,
  accounts,
}: {
  readonly registry: Registry;
  readonly authenticator: Authenticator;
  readonly accounts: ServiceAccountTokens;
}): [string, Action][] {
  const review: Action = {
    async perform(_call, body) {
      const { token, audiences } = (body.spec ?? {}) as ReviewSpec;
      if (!token) throw badRequest("token is required for TokenReview in authentication");
      const status = await reviewed(authenticator, accounts, token, audiences);
      return answer({ ...body, status });
    },
  };
  const self: Action = {
    async perform({ user }, body) {
      const metadata = { creationTimestamp: timestamp(registry.clock.now()) } as AnyObject["metadata"];
      return answer({ kind: body.kind, apiVersion: body.apiVersion, metadata, status: { userInfo: shown(user) } });
    },
  };
  return [
    ["tokenreviews", review],
    ["selfsubjectreviews", self],
  ];
}

async function reviewed(
  authenticator: Authenticator,
  accounts: ServiceAccountTokens,
  token: string,
  audiences: readonly string[] | undefined,
): Promise<Record<string, unknown>> {
  try {
    const owner =
      (await accounts.verify(token, audiences?.length ? audiences : undefined)) ??
      (await authenticator.authenticateToken(token, audiences));
    const shared = owner && sharedAudiences(owner, accounts, audiences);
    if (!owner || !shared?.length) return { user: {}, error: "invalid bearer token" };
    return { authenticated: true, user: shown(withAuthenticated(owner.user)), audiences: shared };
  } catch (error) {
    if (!(error instanceof BadToken)) throw error;
    return { user: {}, error: `[invalid bearer token, ${error.message}]` };
  }
}

/** A token that names no audience is meant for the API server, whoever asks. */
function sharedAudiences(
  { audiences: own }: TokenOwner,
  { defaultAudiences }: ServiceAccountTokens,
  asked: readonly string[] | undefined,
): readonly string[] {
  if (own.length > 0) return own;
  return asked?.length ? defaultAudiences.filter((audience) => asked.includes(audience)) : defaultAudiences;
}

function shown({ name, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

function answer(object: AnyObject): Answer {
  return { sort: "object", code: 201, resource: undefined, object };
}
