import { readBody } from "./http/body.ts";
import type { Exchange } from "./http/exchange.ts";
import type { UserInfo } from "./user.ts";

/** A path that decides by itself who may ask: it is served before authorization, and who asks may be nobody. */
export interface OpenRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** A text is sent as it is, anything else as JSON. @throws {StatusError} */
  answer(asked: OpenRequest): Promise<unknown> | unknown;
}

export interface OpenRequest {
  readonly user: UserInfo;
  readonly authorization: string | undefined;
  /** @throws {StatusError} when it is too long */
  body(): Promise<Buffer>;
}

export async function serveOpenRoute(route: OpenRoute, exchange: Exchange, user: UserInfo): Promise<void> {
  const authorization = exchange.header("authorization");
  const answer = await route.answer({ user, authorization, body: () => readBody(exchange.incoming) });
  if (typeof answer === "string") exchange.sendText(200, answer);
  else exchange.sendText(200, JSON.stringify(answer), "application/json");
}
