import { badRequest } from "../api/status.ts";
import type { OpenRoute } from "../apiserver/open-route.ts";
import type { Gate } from "../cluster/admit-node.ts";
import { authorityPath, joinPath } from "../cluster/join-protocol.ts";
import { userAndSecretFrom } from "../cluster/token.ts";
import { nodeOf } from "./tunnel-upgrade.ts";

/** What devices ask that are no nodes yet: whom to believe, and to be let in (as soon as the gate is there). */
export function joinRoutes(gate: Promise<Gate>, serverCa: () => string): OpenRoute[] {
  return [
    { method: "GET", path: authorityPath, answer: serverCa },
    {
      method: "POST",
      path: joinPath,
      answer: async ({ user, authorization, body }) =>
        (await gate).admit(
          { node: nodeOf(user), token: userAndSecretFrom(authorization ?? "") },
          jsonFrom((await body()).toString()),
        ),
    },
  ];
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("the body is not JSON");
  }
}
