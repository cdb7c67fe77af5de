import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import type { Fairness } from "../fairness/fairness.ts";
import { Exchange } from "./exchange.ts";
import type { RequestInfo } from "./request-info.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import { takeTurn } from "./take-turn.ts";

test.each(["get", "watch"])("a %s of a client that goes, also before its turn, gives its seat back once", (verb) => {
  for (const goesFirst of [true, false]) {
    let seats = 0;
    const fairness = {
      enter() {
        seats++;
        return { leave: () => seats-- };
      },
    };
    const incoming = new IncomingMessage(new Socket());
    const exchange = new Exchange(incoming, new ServerResponse(incoming));
    const go = () => exchange.outgoing.emit("close");
    if (goesFirst) go();
    const parts = { fairness: fairness as unknown as Fairness, requests: {} as RequestMetrics };
    const info = { verb, path: "/api/v1/pods", isResource: true } as RequestInfo;
    expect(takeTurn(parts, exchange, { info, user: { name: "somebody", groups: [] } as never })).toBe(true);
    if (!goesFirst) go();
    expect(seats).toBe(0);
  }
});
