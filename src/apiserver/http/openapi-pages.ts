import type { Catalog } from "../registry/resources.ts";
import { type OpenApiPages, pageNotFound } from "./pages.ts";

/** The OpenAPI documents of what is served. */
export function openApiPages(_catalog: Catalog): OpenApiPages {
  return {
    v2: ({ exchange }) => pageNotFound(exchange),
    v3Index: ({ exchange }) => pageNotFound(exchange),
    v3: ({ exchange }) => pageNotFound(exchange),
  };
}
