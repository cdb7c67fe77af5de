import type { Descriptions } from "../../api/openapi/descriptions.ts";
import type { PublishedKind } from "../../api/openapi/published-kind.ts";
import { openApiV2 } from "../../api/openapi/v2.ts";
import { encodeOpenApiV2 } from "../../api/openapi/v2-protobuf.ts";
import { hashOf, openApiV3, openApiV3Index } from "../../api/openapi/v3.ts";
import { encodeOpenApiV3 } from "../../api/openapi/v3-protobuf.ts";
import type { Catalog, Resource } from "../registry/resources.ts";
import type { Exchange } from "./exchange.ts";
import type { PageRequest } from "./page-routes.ts";
import type { OpenApiPages } from "./pages.ts";

export interface OpenApiOptions {
  readonly catalog: Catalog;
  /** Texts for `kubectl explain`; read anew for each document, because nobody needs them in between. */
  readonly descriptions: () => Descriptions;
  /** Milliseconds since 1970: what Last-Modified says. */
  readonly startedMs: number;
}

const v2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const v3Protobuf = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
const yearMs = 365 * 24 * 3600 * 1000;

/** The OpenAPI documents of what is served: made when asked for, sent, and forgotten; only their hashes are cheap. */
export function openApiPages({ catalog, descriptions, startedMs }: OpenApiOptions): OpenApiPages {
  const lastModified = new Date(startedMs).toUTCString();
  const kinds = (): PublishedKind[] => [...catalog.all().map(publishedFrom)];

  const isFresh = (exchange: Exchange, hash: string, vary: readonly string[]): boolean => {
    exchange.setHeader("etag", `"${hash}"`);
    exchange.setHeader("last-modified", lastModified);
    exchange.setHeaders("vary", [...vary]);
    if (exchange.header("if-none-match") !== `"${hash}"`) return false;
    exchange.write(304, exchange.headers(undefined), [Buffer.alloc(0)]);
    return true;
  };

  return {
    async v2({ exchange }) {
      const all = kinds();
      if (isFresh(exchange, hashOf(all), ["Accept-Encoding", "Accept"])) return;
      const document = openApiV2(all, descriptions());
      const asProtobuf = exchange.header("accept")?.includes("proto-openapi.spec.v2") ?? false;
      await (asProtobuf ? send(exchange, encodeOpenApiV2(document), v2Protobuf) : sendJson(exchange, document));
    },

    v3Index({ exchange }) {
      exchange.setHeader("last-modified", lastModified);
      exchange.sendText(200, JSON.stringify(openApiV3Index(kinds())));
    },

    async v3({ exchange, query }: PageRequest, path: string) {
      const all = kinds();
      const url = openApiV3Index(all).paths[path]?.serverRelativeURL;
      const hash = url?.split("hash=")[1];
      if (!url || !hash) return exchange.write(404, exchange.headers(undefined), []);
      const asked = query.get("hash");
      if (asked !== null && asked !== hash) return redirect(exchange, url);
      if (asked === hash) {
        // Under its hash a document never changes, so that kubectl keeps it on disk.
        exchange.setHeader("cache-control", "public, immutable");
        exchange.setHeader("expires", new Date(startedMs + yearMs).toUTCString());
      }
      if (isFresh(exchange, hash, ["Accept"])) return;
      const document = openApiV3(path, all, descriptions()) ?? {};
      const asProtobuf = exchange.header("accept")?.includes("proto-openapi.spec.v3") ?? false;
      await (asProtobuf ? send(exchange, encodeOpenApiV3(document), v3Protobuf) : sendJson(exchange, document));
    },
  };
}

function publishedFrom({ kind, custom }: Resource): PublishedKind {
  return custom ? { ...kind, schema: custom.published ?? {} } : kind;
}

function redirect(exchange: Exchange, url: string): void {
  exchange.setHeader("location", url);
  exchange.sendText(301, "");
}

async function sendJson(exchange: Exchange, document: unknown): Promise<void> {
  await send(exchange, Buffer.from(JSON.stringify(document)), "application/json");
}

async function send(exchange: Exchange, bytes: Uint8Array, contentType: string): Promise<void> {
  await exchange.send({ code: 200, contentType, parts: [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)] });
}
