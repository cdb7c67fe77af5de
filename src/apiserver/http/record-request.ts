import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import { type AuditLog, openTrail, type Trail } from "../audit/trail.ts";
import type { UserInfo } from "../user.ts";
import { type Exchange, type Incoming, statusErrorOf } from "./exchange.ts";
import { isLongRunning, type RequestInfo } from "./request-info.ts";

interface Asked {
  readonly info: RequestInfo;
  readonly user: UserInfo;
}

/** Records a request and how it ends; one that goes on for long, when its answer begins too. */
export function recordRequest(
  { audit, clock }: { readonly audit: AuditLog; readonly clock: Clock },
  exchange: Exchange,
  { info, user }: Asked,
): Trail | undefined {
  const { incoming, outgoing, auditId } = exchange;
  const trail = openTrail(audit, clock, { auditId, info, user, ...senderOf(incoming), receivedMs: clock.now() });
  if (!trail) return undefined;
  outgoing.once("close", () => trail.completed(outgoing.statusCode));
  if (isLongRunning(info))
    // The code is known when the headers are written, which is what follows.
    exchange.beforeAnswer(() => queueMicrotask(() => trail.started(outgoing.statusCode)));
  return trail;
}

/** The same for a connection that changes its protocol. `begun` says that it has, `failed` why it did not. */
export function recordUpgrade(
  { audit, clock }: { readonly audit: AuditLog; readonly clock: Clock },
  {
    request,
    socket,
    auditId,
  }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly auditId: string },
  { info, user }: Asked,
): (Trail & { begun(): void }) | undefined {
  const trail = openTrail(audit, clock, { auditId, info, user, ...senderOf(request), receivedMs: clock.now() });
  if (!trail) return undefined;
  let code = 101;
  socket.once("close", () => trail.completed(code));
  return {
    ...trail,
    begun: () => trail.started(code),
    failed(error) {
      code = statusErrorOf(error).code;
      trail.failed(error);
    },
  };
}

function senderOf(incoming: Incoming): { uri: string; sourceIps: readonly string[]; userAgent: string | undefined } {
  // An IPv4 client of a socket for both families is shown as what it is.
  const address = (incoming.socket?.remoteAddress ?? "").replace(/^::ffff:/, "");
  return { uri: incoming.url ?? "/", sourceIps: [address], userAgent: incoming.headers["user-agent"] };
}
