import { EventEmitter } from "node:events";
import type { Http2Session } from "node:http2";
import { expect, test } from "vitest";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { watchHeartbeat } from "./heartbeat.ts";

/** A session as far as the heartbeat knows it. */
function aSession() {
  const asked: ((error: Error | null) => void)[] = [];
  const session = Object.assign(new EventEmitter(), {
    destroyed: false,
    socket: { bytesRead: 0 },
    ping(answer: (error: Error | null) => void) {
      if (session.destroyed) throw new Error("the session has been destroyed");
      asked.push(answer);
      return true;
    },
    destroy() {
      session.destroyed = true;
    },
  });
  return { session, asked };
}

test("asks when it was quiet, and destroys a session that does not answer", async () => {
  const clock = fakeClock();
  const { session, asked } = aSession();
  watchHeartbeat(session as unknown as Http2Session, { clock, quietMs: 10_000, answerMs: 4_000 });
  await clock.advance(10_000);
  expect(asked).toHaveLength(1);
  asked[0]?.(null);
  await clock.advance(14_000);
  expect(session.destroyed).toBe(false);
  await clock.advance(14_000);
  expect(session.destroyed).toBe(true);
});

test("leaves a session alone that was destroyed and has not closed yet", async () => {
  const clock = fakeClock();
  const { session, asked } = aSession();
  watchHeartbeat(session as unknown as Http2Session, { clock, quietMs: 10_000, answerMs: 4_000 });
  session.destroy();
  await clock.advance(60_000);
  expect(asked).toHaveLength(0);
});
