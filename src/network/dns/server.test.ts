import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { type DecodedPacket, decode, encode, type Packet, type RecordType } from "dns-packet";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { anEndpoint, aService, aSlice } from "../testing/objects.ts";
import { Forwarder, framed } from "./forward.ts";
import { DnsServer } from "./server.ts";

/** A resolver of the node: knows example.com, counts what it is asked. */
async function upstream() {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  const answer = (message: Buffer): Buffer | undefined => {
    const { id, questions } = decode(message);
    const name = questions?.[0]?.name ?? "";
    asked.push(name);
    if (name === "silent.example.com") return undefined;
    return encode({
      type: "response",
      id: id ?? 0,
      flags: 0x0180,
      questions: questions ?? [],
      answers: [{ type: "A", name, ttl: 60, data: "192.0.2.1" }],
    });
  };
  socket.on("message", (message, { port, address }) => {
    const bytes = answer(message);
    if (bytes) socket.send(bytes, port, address);
  });
  await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", bound));
  return { asked, port: socket.address().port, close: () => socket.close() };
}

let resolver: Awaited<ReturnType<typeof upstream>>;
let server: DnsServer;
let ready: boolean;
/** How many endpoints every Service has. */
let endpoints: number;

beforeEach(async () => {
  ready = true;
  // Nobody's patience ends while a slow machine takes its time.
  const clock = fakeClock();
  resolver = await upstream();
  endpoints = 100;
  const addresses = () => Array.from({ length: endpoints }, (_, i) => anEndpoint(`10.42.${i >> 8}.${i & 255}`));
  const services = [
    aService(),
    aService({ type: "ExternalName", clusterIP: "", externalName: "example.com" }, { name: "out" }),
    aService({ type: "ExternalName", clusterIP: "", externalName: "web.default.svc.cluster.local" }, { name: "again" }),
    aService({ clusterIP: "None" }, { name: "many" }),
  ];
  server = await DnsServer.open({
    addresses: ["127.0.0.1"],
    port: 0,
    domain: "cluster.local",
    records: {
      hasNamespace: () => true,
      service: (_, name) => services.find(({ metadata }) => metadata.name === name),
      slices: () => [aSlice(addresses())],
      servicesAt: () => [],
      slicesAt: () => [],
    },
    ready: () => ready,
    forwarder: new Forwarder({ servers: () => ["127.0.0.1"], clock, port: resolver.port }),
    clock,
    log: noLog,
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  resolver.close();
});

describe("the cluster's DNS", () => {
  test("answers about the cluster by itself", async () => {
    const answer = await ask("web.default.svc.cluster.local");
    expect([answer.flag_aa, rcodeOf(answer), dataOf(answer)]).toEqual([true, 0, ["10.43.0.5"]]);
    expect(resolver.asked).toEqual([]);
  });

  test("says no with the domain's SOA", async () => {
    const answer = await ask("none.default.svc.cluster.local");
    expect([rcodeOf(answer), answer.authorities?.map(({ type }) => type)]).toEqual([3, ["SOA"]]);
  });

  test("asks to try again while it does not know the cluster", async () => {
    ready = false;
    expect(rcodeOf(await ask("web.default.svc.cluster.local"))).toBe(2);
    expect(rcodeOf(await ask("example.com"))).toBe(0);
  });

  test("passes other questions on, equal ones once, in each asker's spelling", async () => {
    const answers = await Promise.all([ask("example.com"), ask("Example.COM")]);
    expect(answers.map((answer) => [answer.questions?.[0]?.name, dataOf(answer)])).toEqual([
      ["example.com", ["192.0.2.1"]],
      ["Example.COM", ["192.0.2.1"]],
    ]);
    await ask("example.com");
    expect(resolver.asked).toHaveLength(1);
  });

  test("says at once that it cannot answer when no resolver can be reached", async () => {
    resolver.close();
    expect(rcodeOf(await ask("example.org"))).toBe(2);
    resolver = await upstream();
  });

  test("follows aliases out of the cluster and inside it", async () => {
    expect(dataOf(await ask("out.default.svc.cluster.local"))).toEqual(["example.com", "192.0.2.1"]);
    expect(dataOf(await ask("again.default.svc.cluster.local"))).toEqual([
      "web.default.svc.cluster.local",
      "10.43.0.5",
    ]);
  });

  test("cuts what does not fit and has all of it over TCP", async () => {
    const cut = await ask("many.default.svc.cluster.local");
    expect([cut.flag_tc, (cut.answers?.length ?? 0) < 100]).toEqual([true, true]);
    const larger = await ask("many.default.svc.cluster.local", "A", { udpPayloadSize: 4096 });
    expect(larger.answers?.length ?? 0).toBeGreaterThan(cut.answers?.length ?? 0);
    const whole = await askByTcp("many.default.svc.cluster.local");
    expect([whole.flag_tc, whole.answers?.length]).toEqual([false, 100]);
  });

  test("cuts over TCP too what no message can hold", async () => {
    endpoints = 3_000;
    const cut = await askByTcp("many.default.svc.cluster.local");
    expect([cut.flag_tc, (cut.answers?.length ?? 0) > 1_000]).toEqual([true, true]);
  });

  test("is not disturbed by what is no question", async () => {
    const garbled = fc.tuple(fc.nat(40), fc.uint8Array({ maxLength: 40 })).map(([at, bytes]) => {
      const message = query("web.default.svc.cluster.local", "A");
      message.set(bytes.slice(0, Math.max(0, message.length - at)), at);
      return message;
    });
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      garbled,
    );
    await fc.assert(fc.asyncProperty(anything, async (message) => void (await send(message, 0))));
    expect(dataOf(await ask("web.default.svc.cluster.local"))).toEqual(["10.43.0.5"]);
  });
});

function query(name: string, type: RecordType, edns?: { udpPayloadSize: number }): Buffer {
  const opt = edns && { type: "OPT" as const, name: ".", flags: 0, options: [], ...edns };
  const packet = { type: "query", id: 7, flags: 0x0100, questions: [{ name, type, class: "IN" }] } as const;
  return encode({ ...packet, ...(opt && { additionals: [opt] }) } as unknown as Packet);
}

async function ask(name: string, type: RecordType = "A", edns?: { udpPayloadSize: number }): Promise<DecodedPacket> {
  return decode(await send(query(name, type, edns), 1));
}

/** Sends a datagram and resolves with the answer, or at once when none is wanted. */
async function send(message: Buffer, wanted: 0 | 1): Promise<Buffer> {
  const socket = createSocket("udp4");
  try {
    return await new Promise((resolve, reject) => {
      socket.once("message", resolve);
      socket.once("error", reject);
      socket.send(message, server.port, "127.0.0.1", () => wanted === 0 && resolve(Buffer.alloc(0)));
    });
  } finally {
    socket.close();
  }
}

async function askByTcp(name: string): Promise<DecodedPacket> {
  const socket = createConnection(server.port, "127.0.0.1");
  socket.write(framed(query(name, "A")));
  let received = Buffer.alloc(0);
  for await (const bytes of socket) {
    received = Buffer.concat([received, bytes as Buffer]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) break;
  }
  return decode(received.subarray(2));
}

function rcodeOf(packet: DecodedPacket): number {
  return (packet.flags ?? 0) & 0x0f;
}
function dataOf(packet: DecodedPacket): unknown[] {
  return (packet.answers ?? []).map((answer) => ("data" in answer ? answer.data : undefined));
}
