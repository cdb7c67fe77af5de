import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";
import { timeLimit } from "./time-limit.ts";

/** The whole process does nothing for so long. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("what came while the process stood still is heard before a timer that fell due meanwhile", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const told: string[] = [];
  socket.on("data", () => told.push("data"));
  const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "connect")]);
  await new Promise(setImmediate);
  const isOver = Promise.withResolvers<void>();
  systemClock.after(1, () => {
    told.push("timer");
    isOver.resolve();
  });
  peer.write("a");
  standStill(200);
  await isOver.promise;
  expect(told).toEqual(["data", "timer"]);
  peer.destroy();
  socket.destroy();
  server.close();
});

test("a limit is over after its time, of which that in which the process stood still is a small part", async () => {
  using limit = timeLimit(200);
  standStill(400);
  await new Promise(setImmediate);
  expect(limit.signal.aborted).toBe(false);
  await once(limit.signal, "abort");
  expect(limit.signal.reason).toMatchObject({ name: "TimeoutError" });
});

test("a limit that was disposed of ends nothing", async () => {
  const limit = timeLimit(8);
  limit[Symbol.dispose]();
  using later = timeLimit(80);
  await once(later.signal, "abort");
  expect(limit.signal.aborted).toBe(false);
});
