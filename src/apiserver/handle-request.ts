import type { ServerResponse } from "node:http";
import { apiVersionOf } from "../api/kind.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Extensions } from "./aggregate/extensions.ts";
import { passToExtension } from "./aggregate/pass-on.ts";
import type { AuditLog } from "./audit/trail.ts";
import type { Authenticator } from "./authenticate/authenticator.ts";
import { impersonated } from "./authenticate/impersonate.ts";
import { type Authorizer, attributesOf, refusal } from "./authorize/attributes.ts";
import type { Fairness } from "./fairness/fairness.ts";
import { Exchange, type Incoming, type Outgoing, statusErrorOf } from "./http/exchange.ts";
import type { PageRequest } from "./http/page-routes.ts";
import { splitTarget } from "./http/query.ts";
import { recordRequest } from "./http/record-request.ts";
import { infoOf } from "./http/request-info.ts";
import type { RequestMetrics } from "./http/request-metrics.ts";
import type { ResourceApi } from "./http/resource-api.ts";
import { takeTurn } from "./http/take-turn.ts";
import { type OpenRoute, serveOpenRoute } from "./open-route.ts";
import type { Catalog } from "./registry/resources.ts";

/** The steps that a request passes, and what answers it in the end. */
export interface RequestSteps {
  readonly clock: Clock;
  readonly log: Log;
  readonly openRoutes: readonly OpenRoute[];
  readonly authenticator: Authenticator;
  readonly requests: RequestMetrics;
  readonly audit: AuditLog | undefined;
  readonly fairness: Fairness;
  readonly authorizer: Authorizer;
  readonly catalog: Catalog;
  readonly extensions: Extensions;
  readonly resources: ResourceApi;
  readonly pages: (request: PageRequest) => Promise<void>;
}

/** Answers requests as they come over the network: who asks, when it is their turn, whether they may, and then what for. */
export function requestHandler(steps: RequestSteps): (incoming: Incoming, outgoing: Outgoing) => void {
  const { log } = steps;
  return (incoming, outgoing) => {
    const exchange = new Exchange(incoming, outgoing);
    answer(steps, exchange, incoming)
      .catch((error: unknown) => {
        const status = statusErrorOf(error);
        exchange.trail?.failed(status);
        if (status.code >= 500 && status.reason === "InternalError")
          log.error("a request failed", { path: incoming.url, error });
        return exchange.sendError(status);
      })
      .catch((error: unknown) => {
        log.error("an answer could not be sent", { path: incoming.url, error });
        (outgoing as ServerResponse).destroy();
      });
  };
}

async function answer(steps: RequestSteps, exchange: Exchange, incoming: Incoming): Promise<void> {
  const { audit, authenticator, authorizer, catalog, clock, extensions, fairness, requests } = steps;
  const { path, query } = splitTarget(incoming.url ?? "/");
  const open = steps.openRoutes.find((route) => route.path === path && route.method === incoming.method);
  if (open) return serveOpenRoute(open, exchange, await authenticator.authenticate(incoming));
  const info = infoOf(incoming.method, path, query);
  requests.begin(info, exchange.outgoing, query.has("dryRun"));
  const asking = await authenticator.authenticate(incoming);
  exchange.trail = audit && recordRequest({ audit, clock }, exchange, { info, user: asking });
  const user = impersonated(incoming, asking, authorizer, info);
  if (user !== asking) exchange.trail?.madeAs(user);
  const turn = takeTurn({ fairness, requests }, exchange, { info, user });
  if (turn !== true && !(await turn)) return;
  const attributes = attributesOf(user, info, query.get("fieldSelector") ?? undefined);
  const { allowed, reason } = authorizer.decide(attributes);
  exchange.trail?.decided(allowed, reason);
  if (!allowed) throw refusal(attributes, reason);
  const api = extensions.serving(path);
  if (api) await passToExtension(extensions, { api, user, exchange });
  else if (info.isResource && (catalog.hasGroupVersion(apiVersionOf(info)) || info.group === ""))
    await steps.resources.handle(exchange, info, query, user);
  else await steps.pages({ exchange, user, path, query });
}
