import type { Http2Bindings, HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { AnyObject } from "../../api/object.ts";
import { formFor } from "../negotiate/accept.ts";
import { rendered } from "../negotiate/render.ts";
import type { UserInfo } from "../user.ts";
import { type Exchange, statusErrorOf } from "./exchange.ts";
import { methodNotAllowed } from "./route.ts";

/** What a page needs of the request that it answers. */
export interface PageRequest {
  readonly exchange: Exchange;
  readonly user: UserInfo;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Answers on the request's exchange. `parts`: those of the path that the route names. */
export type Serve = (request: PageRequest, parts: Readonly<Record<string, string>>) => Promise<void> | void;

type Env = { Bindings: (HttpBindings | Http2Bindings) & { page: PageRequest } };

/** Answers are written on the exchange itself: the adapter is told to leave the connection alone. */
export const alreadySent = new Response(null, { headers: { "x-hono-already-sent": "true" } });

/** The paths of pages, tried in the order in which they were added. */
export class PageRoutes {
  readonly app = new Hono<Env>({ strict: false });

  constructor() {
    this.app.onError(async (error, context) => {
      await context.env.page.exchange.sendError(statusErrorOf(error));
      return alreadySent;
    });
  }

  /** A page that can only be read. */
  read(path: string, serve: Serve): void {
    this.on("GET", path, async (request, parts) => {
      if (isHead(request) && takesNoHead.test(request.path)) await refuseMethod(request);
      else await serve(request, parts);
    });
    this.any(path, refuseMethod);
  }

  /** What answers one method; GET answers HEAD as well. */
  on(method: string, path: string, serve: Serve): void {
    this.app.on(method, path, async (context) => {
      await serve(context.env.page, context.req.param() as Record<string, string>);
      return alreadySent;
    });
  }

  /** What answers every method. */
  any(path: string, serve: Serve): void {
    this.app.all(path, async (context) => {
      await serve(context.env.page, context.req.param() as Record<string, string>);
      return alreadySent;
    });
  }
}

/** These are answered by what answers for resources too, which has never known HEAD. */
const takesNoHead = /^\/(?:version|apis?|openid|\.well-known)(?:\/|$)/;

const isHead = ({ exchange }: PageRequest): boolean => exchange.incoming.method === "HEAD";

async function refuseMethod({ exchange }: PageRequest): Promise<void> {
  await exchange.sendError(methodNotAllowed());
}

export function pageNotFound(exchange: Exchange): void {
  exchange.sendText(404, "404 page not found\n");
}

/** Sends a document that is no object in the form that the client asked for; never as a table. */
export async function sendJson(exchange: Exchange, value: object): Promise<void> {
  exchange.form = formFor(exchange.header("accept"));
  await exchange.send(rendered(200, value as AnyObject, { ...exchange.form, as: undefined }));
}
