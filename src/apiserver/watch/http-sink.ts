import type { ServerResponse } from "node:http";
import type { Exchange } from "../http/exchange.ts";
import type { WatchSink } from "./serve-watch.ts";

/** A watch as the body of an answer that does not end. */
export function httpSink(exchange: Exchange): WatchSink {
  const outgoing = exchange.outgoing as ServerResponse;
  return {
    begin(contentType) {
      outgoing.writeHead(200, exchange.headers(contentType));
      outgoing.flushHeaders?.();
    },
    send(parts, drained) {
      if (outgoing.write(parts.length === 1 ? parts[0] : Buffer.concat(parts))) return true;
      outgoing.once("drain", drained);
      return false;
    },
    end() {
      if (!outgoing.writableEnded) outgoing.end();
    },
    onGone: (run) => void outgoing.on("close", run).on("error", run),
  };
}
