import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Probe } from "../../api/schema/types.ts";
import { systemClock } from "../../base/clock.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { aContainer } from "../testing/objects.ts";
import { probeHttp, probeTcp, tellHttp } from "./handlers.ts";
import { startProber } from "./prober.ts";

let server: Server;
let status = 200;
beforeEach(async () => {
  status = 200;
  server = createServer((request, response) => {
    if (request.url === "/away") response.writeHead(302, { location: "http://elsewhere.test/" }).end("gone");
    else if (request.url === "/moved") response.writeHead(302, { location: "/here" }).end();
    else
      response
        .writeHead(request.url === "/here" ? 204 : status, { "x-saw": request.headers["user-agent"] ?? "" })
        .end("body");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterEach(() => new Promise((done) => server.close(done)));

const port = () => (server.address() as AddressInfo).port;
// A slow machine is no container that does not answer.
const patienceMs = 30_000;
const target = { runtime: {} as ContainerRuntime, container: aContainer(), containerId: "c", podIp: "127.0.0.1" };

describe("a probe", () => {
  test("takes answers from 200 to 399 for success, and follows redirects to the same host", async () => {
    expect((await probeHttp(target, { port: port() }, patienceMs)).result).toBe("success");
    expect((await probeHttp(target, { port: port(), path: "moved" }, patienceMs)).result).toBe("success");
    status = 503;
    expect(await probeHttp(target, { port: port() }, patienceMs)).toEqual({
      result: "failure",
      output: "HTTP probe failed with statuscode: 503",
    });
  });

  test("is no hook: that is content with any answer", async () => {
    status = 503;
    expect((await tellHttp(target, { port: port() }, patienceMs)).result).toBe("success");
    expect((await tellHttp(target, { port: 1 }, patienceMs)).result).toBe("failure");
  });

  test("finds a port by the name that the container gives it", async () => {
    const named = { ...target, container: aContainer({ ports: [{ name: "web", containerPort: port() }] }) };
    expect((await probeTcp(named, { port: "web" }, patienceMs)).result).toBe("success");
    await expect(probeTcp(named, { port: "other" }, patienceMs)).rejects.toThrow(
      "couldn't find port: other in container main",
    );
  });

  test("says that nobody listens, in the words people know", async () => {
    expect((await probeTcp(target, { port: 1 }, patienceMs)).output).toBe(
      "dial tcp 127.0.0.1:1: connect: connection refused",
    );
    expect((await probeHttp(target, { port: 1 }, patienceMs)).output).toBe(
      'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });
});

describe("a prober", () => {
  function probing(probe: Probe, { initially, due = () => true }: { initially?: boolean; due?: () => boolean } = {}) {
    const findings: boolean[] = [];
    const failures: string[] = [];
    const warnings: string[] = [];
    const prober = startProber({
      sort: "readiness",
      probe: { httpGet: { port: port() }, periodSeconds: 0.01, timeoutSeconds: patienceMs / 1_000, ...probe },
      target,
      startedAtMs: 0,
      initially,
      clock: systemClock,
      found: (healthy) => findings.push(healthy),
      failed: (message) => failures.push(message),
      warned: (message) => warnings.push(message),
      due,
    });
    return { findings, failures, warnings, [Symbol.dispose]: () => prober[Symbol.dispose]() };
  }

  test("changes its finding after as many in a row as its thresholds say", async () => {
    using prober = probing({ failureThreshold: 2, successThreshold: 2 });
    await vi.waitFor(() => expect(prober.findings).toEqual([true]));
    status = 500;
    await vi.waitFor(() => expect(prober.findings).toEqual([true, false]));
    expect(prober.failures[0]).toBe("Readiness probe failed: HTTP probe failed with statuscode: 500");
    expect(prober.failures.length).toBeGreaterThanOrEqual(2);
  });

  test("succeeds where it is sent elsewhere, and says so", async () => {
    using prober = probing({ httpGet: { port: port(), path: "/away" } });
    await vi.waitFor(() => expect(prober.findings).toEqual([true]));
    expect(prober.warnings[0]).toBe("Readiness probe warning: Probe terminated redirects, Response body: gone");
    expect(prober.failures).toEqual([]);
  });

  test("says nothing when it finds what was known", async () => {
    using prober = probing({ failureThreshold: 1 }, { initially: false });
    status = 500;
    await vi.waitFor(() => expect(prober.failures.length).toBeGreaterThan(2));
    expect(prober.findings).toEqual([]);
  });

  test("waits while its time has not come", async () => {
    let asked = 0;
    using prober = probing({}, { due: () => ++asked > 3 });
    await vi.waitFor(() => expect(prober.findings).toEqual([true]));
    expect(asked).toBeGreaterThan(3);
  });
});
