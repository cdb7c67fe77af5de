import { getRequestListener } from "@hono/node-server";
import { StatusError } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import type { Discovery } from "../discovery/discovery.ts";
import type { HealthChecks } from "../health/checks.ts";
import { addDiscoveryPages } from "./discovery-pages.ts";
import type { Incoming, Outgoing } from "./exchange.ts";
import { alreadySent, type PageRequest, PageRoutes, pageNotFound, sendJson } from "./page-routes.ts";
import { unknownResource } from "./route.ts";
import { zpages } from "./zpages.ts";

/** A path beside the resources, behind authentication and authorization. */
export interface ExtraRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Answers on `exchange`. */
  serve(request: PageRequest): Promise<void> | void;
}

export interface PagesOptions {
  readonly discovery: Discovery;
  readonly health: Readonly<Record<"healthz" | "livez" | "readyz", HealthChecks>>;
  readonly version: Readonly<Record<string, string>>;
  /** Where clients outside reach this server: "192.0.2.10:6443". */
  readonly advertised: string;
  readonly metrics: () => string;
  readonly issuer: { readonly configuration: object; readonly keys: object };
  readonly openApi: OpenApiPages;
  /** Settings that hold, under the names of kube-apiserver's flags: what /flagz shows. */
  readonly flags: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly extraRoutes: readonly ExtraRoute[];
}

export interface OpenApiPages {
  v2(request: PageRequest): Promise<void> | void;
  v3Index(request: PageRequest): Promise<void> | void;
  /** `path`: behind /openapi/v3/. */
  v3(request: PageRequest, path: string): Promise<void> | void;
}

const pages = new WeakMap<Outgoing, PageRequest>();

/** Everything that is not a resource: discovery, health, version, metrics, OpenAPI, and what others add. */
export function servePages(options: PagesOptions): (request: PageRequest) => Promise<void> {
  const { app } = routesOf(options);
  const listener = getRequestListener(
    async (request, env) => {
      await app.fetch(request, { ...env, page: pages.get(env.outgoing) });
      return alreadySent;
    },
    { overrideGlobalObjects: false },
  );
  return async (request) => {
    pages.set(request.exchange.outgoing, request);
    await listener(request.exchange.incoming as Incoming & never, request.exchange.outgoing as Outgoing & never);
  };
}

function routesOf(options: PagesOptions): PageRoutes {
  const { clock, version, flags } = options;
  const routes = new PageRoutes();
  routes.read("/", ({ exchange }) => sendJson(exchange, { paths: allPaths(options) }));
  routes.read("/version", ({ exchange }) =>
    exchange.sendText(200, JSON.stringify(version, null, 2), "application/json"),
  );
  addDiscoveryPages(routes, options.discovery, options.advertised);
  for (const [name, checks] of Object.entries(options.health)) addHealthPages(routes, name, checks);
  const about = zpages({ startedMs: clock.now(), version, flags, paths: () => allPaths(options) });
  routes.any("/statusz", ({ exchange }) => about.statusz(exchange, clock.now()));
  routes.any("/flagz", ({ exchange }) => about.flagz(exchange));
  routes.read("/metrics", ({ exchange }) =>
    exchange.sendText(200, options.metrics(), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
  );
  addIssuerPages(routes, options.issuer);
  addOpenApiPages(routes, options.openApi);
  for (const { method, path, serve } of options.extraRoutes) routes.on(method, path, serve);
  routes.any("*", async ({ path, exchange }) => {
    if (path === "/api" || path.startsWith("/api/")) await exchange.sendError(unknownResource());
    else pageNotFound(exchange);
  });
  return routes;
}

/** All checks of one sort in one answer, and each by itself. */
function addHealthPages(routes: PageRoutes, name: string, checks: HealthChecks): void {
  routes.any(`/${name}`, async ({ exchange, query }) => {
    const { code, text } = await checks.all(query.has("verbose"), query.getAll("exclude"));
    exchange.sendText(code, text);
  });
  routes.any(`/${name}/*`, async ({ exchange, path }) => {
    const answer = await checks.one(path.slice(name.length + 2));
    if (answer) exchange.sendText(answer.code, answer.text);
    else pageNotFound(exchange);
  });
}

const keySetType = "application/jwk-set+json";

/** By what others check service account tokens (OpenID Connect Discovery 1.0). */
function addIssuerPages(routes: PageRoutes, { configuration, keys }: PagesOptions["issuer"]): void {
  routes.read("/.well-known/openid-configuration", ({ exchange }) => {
    exchange.setHeader("cache-control", "public, max-age=3600");
    return sendJson(exchange, configuration);
  });
  routes.read("/openid/v1/jwks", ({ exchange }) => {
    if (!/\*\/\*|jwk-set/.test(exchange.header("accept") ?? "*/*"))
      return exchange.sendError(
        new StatusError("NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${keySetType}`, {}),
      );
    exchange.setHeader("cache-control", "public, max-age=3600");
    exchange.sendText(200, JSON.stringify(keys), keySetType);
  });
}

function addOpenApiPages(routes: PageRoutes, openApi: OpenApiPages): void {
  routes.read("/openapi/v2", (request) => openApi.v2(request));
  routes.read("/openapi/v3", (request) => openApi.v3Index(request));
  routes.on("GET", "/openapi/v3/*", (request) =>
    openApi.v3(request, request.path.replace(/^\/openapi\/v3\//, "").replace(/\/$/, "")),
  );
}

function allPaths({ discovery, health }: PagesOptions): string[] {
  const own = [
    "/.well-known/openid-configuration",
    "/flagz",
    "/metrics",
    "/metrics/slis",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/",
    "/openid/v1/jwks",
    "/statusz",
    "/version",
  ];
  const checks = Object.entries(health).flatMap(([name, { names }]) => [
    `/${name}`,
    ...names.map((check) => `/${name}/${check}`),
  ]);
  return [...own, ...discovery.paths(), ...checks].sort();
}
