import type { Discovery } from "../discovery/discovery.ts";
import type { Exchange } from "./exchange.ts";
import { type PageRequest, type PageRoutes, pageNotFound, sendJson } from "./page-routes.ts";
import { unknownResource } from "./route.ts";

/**
 * Which APIs there are (Kubernetes docs, "API concepts", section "API discovery"). `advertised`: where clients outside reach this
 * server ("192.0.2.10:6443").
 */
export function addDiscoveryPages(routes: PageRoutes, discovery: Discovery, advertised: string): void {
  routes.read("/api", ({ exchange }) => sendList(exchange, discovery, "core", apiVersions(advertised)));
  routes.read("/apis", ({ exchange }) => sendList(exchange, discovery, "groups", discovery.groups()));
  routes.read("/apis/:group", (request, { group = "" }) => answer(request, discovery.group(group), false));
  routes.read("/apis/:group/:version", (request, { group = "", version = "" }) =>
    answer(request, discovery.resources(`${group}/${version}`), discovery.hasGroup(group)),
  );
  routes.read("/api/:version", (request, { version = "" }) => answer(request, discovery.resources(version), true));
}

/** `isKnown`: whether what is above it is there, so that it is a resource that is missing and no page. */
async function answer({ exchange }: PageRequest, value: object | undefined, isKnown: boolean): Promise<void> {
  if (value !== undefined) await sendJson(exchange, value);
  else if (isKnown) await exchange.sendError(unknownResource());
  else pageNotFound(exchange);
}

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** A list of groups or versions: all that is known of all of them in one, for clients that can read that. */
async function sendList(
  exchange: Exchange,
  discovery: Discovery,
  which: "core" | "groups",
  plain: object,
): Promise<void> {
  const accept = exchange.header("accept") ?? "";
  if (!wantsAggregated(accept)) return sendJson(exchange, plain);
  const { body, etag } = discovery.aggregated(which);
  exchange.setHeader("vary", "Accept");
  exchange.setHeader("cache-control", "public");
  exchange.setHeader("etag", etag);
  if (exchange.header("if-none-match") === etag) return exchange.write(304, exchange.headers(undefined), []);
  await exchange.send({ code: 200, contentType: aggregatedType, parts: [body] });
}

/** Whether the first form that we can give, of those the client takes, is the aggregated one. */
function wantsAggregated(accept: string): boolean {
  for (const clause of accept.split(",")) {
    const parts = clause.split(";").map((part) => part.trim());
    if (parts.includes("as=APIGroupDiscoveryList")) {
      if (parts[0] === "application/json" && parts.includes("v=v2") && parts.includes("g=apidiscovery.k8s.io"))
        return true;
    } else if (parts[0] === "application/json") return false;
  }
  return false;
}

function apiVersions(advertised: string): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: advertised }],
  };
}
