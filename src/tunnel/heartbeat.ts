import type { Http2Session } from "node:http2";
import type { Clock } from "../base/clock.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** After this long without a sign of life the other side is asked for one. */
  readonly quietMs: number;
  /** After this much longer without an answer the connection counts as dead. */
  readonly answerMs: number;
}

/**
 * Notices that the other side is gone although nobody closed the connection: a cable pulled, a router rebooted, a
 * machine stopped. Destroys the session then. While anything arrives, nothing is sent.
 */
export function watchHeartbeat(session: Http2Session, { clock, quietMs, answerMs }: HeartbeatOptions): void {
  let heard = false;
  let timer: Disposable | undefined;
  let bytesRead = 0;
  const hear = () => {
    heard = true;
  };
  const hasHeard = () => {
    const { bytesRead: now = 0 } = session.socket ?? {};
    const hasMore = heard || now !== bytesRead;
    bytesRead = now;
    heard = false;
    return hasMore;
  };
  const listen = () => {
    timer = clock.after(quietMs, () => {
      // A session that was destroyed may not have closed yet; asked then, it throws.
      if (session.destroyed) return;
      if (hasHeard()) return listen();
      session.ping((error) => error ?? hear());
      timer = clock.after(answerMs, () => {
        if (hasHeard()) return listen();
        session.destroy(new Error("the other side does not answer any more"));
      });
    });
  };
  session.on("ping", hear);
  session.once("close", () => timer?.[Symbol.dispose]());
  listen();
}
