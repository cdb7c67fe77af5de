import { getRequestListener, type Http2Bindings, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { StatusError } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import type { Discovery } from "../discovery/discovery.ts";
import type { HealthChecks } from "../health/checks.ts";
import { formFor } from "../negotiate/accept.ts";
import { rendered } from "../negotiate/render.ts";
import type { UserInfo } from "../user.ts";
import { type Exchange, type Incoming, type Outgoing, statusErrorOf } from "./exchange.ts";
import { methodNotAllowed, unknownResource } from "./route.ts";
import { zpages } from "./zpages.ts";

/** What a page needs of the request that it answers. */
export interface PageRequest {
  readonly exchange: Exchange;
  readonly user: UserInfo;
  readonly path: string;
  readonly query: URLSearchParams;
}

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
  readonly issuer: { readonly configuration: unknown; readonly keys: unknown };
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

type Env = { Bindings: (HttpBindings | Http2Bindings) & { page: PageRequest } };

const pages = new WeakMap<Outgoing, PageRequest>();

/** Everything that is not a resource: discovery, health, version, metrics, OpenAPI, and what others add. */
export function servePages(options: PagesOptions): (request: PageRequest) => Promise<void> {
  const app = routes(options);
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

// Answers are written on the exchange itself: the adapter is told to leave the connection alone.
const alreadySent = new Response(null, { headers: { "x-hono-already-sent": "true" } });

function routes(options: PagesOptions): Hono<Env> {
  const app = new Hono<Env>({ strict: false });
  const page = (method: "GET", path: string, serve: (request: PageRequest) => Promise<void> | void): void => {
    app.on(method, path, async (context) => {
      const { page: request } = context.env;
      if (request.exchange.incoming.method === "HEAD" && takesNoHead.test(request.path))
        await request.exchange.sendError(methodNotAllowed());
      else await serve(request);
      return alreadySent;
    });
    app.all(path, async (context) => {
      await context.env.page.exchange.sendError(methodNotAllowed());
      return alreadySent;
    });
  };
  app.onError(async (error, context) => {
    await context.env.page.exchange.sendError(statusErrorOf(error));
    return alreadySent;
  });
  const { discovery } = options;

  page("GET", "/", ({ exchange }) => sendJson(exchange, { paths: allPaths(options) }));
  page("GET", "/version", ({ exchange }) => sendPrettyJson(exchange, options.version));
  page("GET", "/api", (request) => discoveryPage(request, discovery, "core", apiVersions(options)));
  page("GET", "/apis", (request) => discoveryPage(request, discovery, "groups", discovery.groups()));
  app.on(
    ["HEAD", "POST", "PUT", "PATCH", "DELETE"],
    ["/apis/:group", "/apis/:group/:version", "/api/:version"],
    async (context, next) => {
      if (context.req.method === "GET") return next();
      await context.env.page.exchange.sendError(methodNotAllowed());
      return alreadySent;
    },
  );
  app.get("/apis/:group", async (context) => answered(context.env.page, discovery.group(context.req.param("group"))));
  app.get("/apis/:group/:version", async (context) => {
    const { group, version } = context.req.param();
    return answered(context.env.page, discovery.resources(`${group}/${version}`), discovery.hasGroup(group));
  });
  app.get("/api/:version", async (context) =>
    answered(context.env.page, discovery.resources(context.req.param("version")), true),
  );

  for (const [name, checks] of Object.entries(options.health)) {
    app.all(`/${name}`, async (context) => {
      const { exchange, query } = context.env.page;
      const { code, text } = await checks.all(query.has("verbose"), query.getAll("exclude"));
      exchange.sendText(code, text);
      return alreadySent;
    });
    app.all(`/${name}/*`, async (context) => {
      const { exchange, path } = context.env.page;
      const answer = await checks.one(path.slice(name.length + 2));
      if (answer) exchange.sendText(answer.code, answer.text);
      else pageNotFound(exchange);
      return alreadySent;
    });
  }

  const { clock, version, flags } = options;
  const about = zpages({ startedMs: clock.now(), version, flags, paths: () => allPaths(options) });
  app.all("/statusz", async (context) => {
    await about.statusz(context.env.page.exchange, clock.now());
    return alreadySent;
  });
  app.all("/flagz", async (context) => {
    await about.flagz(context.env.page.exchange);
    return alreadySent;
  });
  page("GET", "/metrics", ({ exchange }) =>
    exchange.sendText(200, options.metrics(), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
  );
  page("GET", "/.well-known/openid-configuration", ({ exchange }) => {
    exchange.setHeader("cache-control", "public, max-age=3600");
    return sendJson(exchange, options.issuer.configuration);
  });
  page("GET", "/openid/v1/jwks", ({ exchange }) => {
    if (!/\*\/\*|jwk-set/.test(exchange.header("accept") ?? "*/*"))
      return exchange.sendError(
        new StatusError("NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${keySetType}`, {}),
      );
    exchange.setHeader("cache-control", "public, max-age=3600");
    exchange.sendText(200, JSON.stringify(options.issuer.keys), keySetType);
  });
  page("GET", "/openapi/v2", (request) => options.openApi.v2(request));
  page("GET", "/openapi/v3", (request) => options.openApi.v3Index(request));
  app.get("/openapi/v3/*", async (context) => {
    const { path } = context.env.page;
    await options.openApi.v3(context.env.page, path.replace(/^\/openapi\/v3\//, "").replace(/\/$/, ""));
    return alreadySent;
  });
  for (const route of options.extraRoutes)
    app.on(route.method, route.path, async (context) => {
      await route.serve(context.env.page);
      return alreadySent;
    });
  app.all("*", async (context) => {
    const { path, exchange } = context.env.page;
    if (path === "/api" || path.startsWith("/api/")) await exchange.sendError(unknownResource());
    else pageNotFound(exchange);
    return alreadySent;
  });
  return app;
}

/** These are answered by what answers for resources too, which has never known HEAD. */
const takesNoHead = /^\/(?:version|apis?|openid|\.well-known)(?:\/|$)/;

export function pageNotFound(exchange: Exchange): void {
  exchange.sendText(404, "404 page not found\n");
}

async function answered({ exchange }: PageRequest, value: unknown, isKnown = false): Promise<Response> {
  if (value !== undefined) await sendJson(exchange, value);
  else if (isKnown) await exchange.sendError(unknownResource());
  else pageNotFound(exchange);
  return alreadySent;
}

async function sendJson(exchange: Exchange, value: unknown): Promise<void> {
  exchange.form = formFor(exchange.header("accept"));
  await exchange.send(rendered(200, value as never, { ...exchange.form, as: undefined }));
}

async function sendPrettyJson(exchange: Exchange, value: unknown): Promise<void> {
  exchange.sendText(200, JSON.stringify(value, null, 2), "application/json");
}

const keySetType = "application/jwk-set+json";
const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

async function discoveryPage(
  { exchange }: PageRequest,
  discovery: Discovery,
  which: "core" | "groups",
  plain: unknown,
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

function apiVersions({ advertised }: PagesOptions): unknown {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: advertised }],
  };
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
