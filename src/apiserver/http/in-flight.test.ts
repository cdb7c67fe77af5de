import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { Incoming, Outgoing } from "./exchange.ts";
import { InFlight } from "./in-flight.ts";

/** Lets a request in; what it returns ends its answer, undefined where there is no place. */
function enter(inFlight: InFlight, url: string): (() => void) | undefined {
  const outgoing = new EventEmitter();
  const isIn = inFlight.enter({ url } as Incoming, outgoing as unknown as Outgoing);
  return isIn ? () => void outgoing.emit("close") : undefined;
}

/** Takes places until there are no more. */
function fill(inFlight: InFlight): (() => void)[] {
  const ends: (() => void)[] = [];
  for (let end = enter(inFlight, "/api/v1/pods"); end; end = enter(inFlight, "/api/v1/pods")) ends.push(end);
  return ends;
}

test("there is a bound; a place is free again when its answer is over", () => {
  const inFlight = new InFlight();
  const ends = fill(inFlight);
  expect(ends.length).toBeGreaterThan(0);
  ends[0]?.();
  expect(enter(inFlight, "/version")).toBeDefined();
  expect(enter(inFlight, "/version")).toBeUndefined();
});

test.each([
  "/api/v1/pods?watch=true",
  "/api/v1/watch/pods",
  "/api/v1/namespaces/ns/pods/p/log?follow=true",
  "/api/v1/namespaces/ns/pods/p/exec",
])("what lasts takes no place: %s", (url) => {
  const inFlight = new InFlight();
  fill(inFlight);
  expect(enter(inFlight, url)).toBeDefined();
});

test("who finds no place is told to come back", () => {
  expect(InFlight.refusal().toStatus()).toMatchObject({
    code: 429,
    reason: "TooManyRequests",
    details: { retryAfterSeconds: 1 },
  });
});
