import type { Fairness, Refusal, Turn } from "../fairness/fairness.ts";
import type { UserInfo } from "../user.ts";
import type { Exchange } from "./exchange.ts";
import { isLongRunning, type RequestInfo } from "./request-info.ts";
import type { RequestMetrics } from "./request-metrics.ts";

const retryAfterSeconds = "1";

/**
 * Lets a request in when its priority level has a seat for it, until it is answered; a watch until its answer begins. What
 * lasts takes no seat. Resolves to false when the client has been told to come back; a promise only where the request waits.
 */
export function takeTurn(
  { fairness, requests }: { readonly fairness: Fairness; readonly requests: RequestMetrics },
  exchange: Exchange,
  { info, user }: { readonly info: RequestInfo; readonly user: UserInfo },
): boolean | Promise<boolean> {
  const isWatch = info.verb === "watch";
  if (!isWatch && isLongRunning(info)) return true;
  const entered = (answer: Turn | Refusal): boolean => {
    if ("refused" in answer) {
      refuse(exchange);
      return false;
    }
    if (isWatch) leaveOnce(exchange, answer);
    else exchange.whenOver(() => answer.leave());
    return true;
  };
  const answer = fairness.enter({
    user,
    info,
    classified(schema, level) {
      exchange.setHeader("x-kubernetes-pf-flowschema-uid", schema.metadata?.uid ?? "");
      exchange.setHeader("x-kubernetes-pf-prioritylevel-uid", level.metadata?.uid ?? "");
    },
    gone: () => exchange.untilGone(),
  });
  return answer instanceof Promise ? requests.queued(info, answer).then(entered) : entered(answer);
}

/** A watch leaves when its answer begins, or with its client if it never does. */
function leaveOnce(exchange: Exchange, turn: Turn): void {
  let isIn = true;
  const leave = (): void => {
    if (isIn) turn.leave();
    isIn = false;
  };
  exchange.beforeAnswer(leave);
  exchange.whenOver(leave);
}

/** In the words of Kubernetes, which here are no Status. */
function refuse(exchange: Exchange): void {
  exchange.setHeader("retry-after", retryAfterSeconds);
  exchange.setHeader("x-content-type-options", "nosniff");
  exchange.sendText(429, "Too many requests, please try again later.\n");
}
