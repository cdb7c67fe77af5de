import { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { throughProxy } from "./proxied-answer.ts";

const place = { prefix: "/proxy", sourceHost: "10.42.0.7:80", requestHost: "192.0.2.1" };
const answer = (body: Iterable<Buffer>, headers: Record<string, string>) => ({
  status: 200,
  headers,
  stream: Duplex.from(body),
});
const page = Buffer.from('<a href="/x">');
const led = '<a href="/proxy/x">';

describe("an answer through the proxy", () => {
  test("has links that lead through it, and its new length", async () => {
    const { headers, stream } = await throughProxy(
      answer([page], { "content-type": "text/html; charset=utf-8" }),
      place,
    );
    expect([await text(stream), headers["content-length"]]).toEqual([led, String(led.length)]);
  });

  test("stays in its coding", async () => {
    const coded = { "content-type": "text/html", "content-encoding": "gzip" };
    const { stream } = await throughProxy(answer([gzipSync(page)], coded), place);
    expect(gunzipSync(await buffer(stream)).toString()).toBe(led);
  });

  test.each([
    ["is no page", { "content-type": "text/plain" }],
    ["is in a coding that nobody here reads", { "content-type": "text/html", "content-encoding": "br" }],
    ["is not in the coding that it says", { "content-type": "text/html", "content-encoding": "gzip" }],
  ])("passes as it comes where it %s", async (_, headers) => {
    expect(await text((await throughProxy(answer([page], headers), place)).stream)).toBe(page.toString());
  });

  test("passes as it comes where it has no end", async () => {
    const part = Buffer.alloc(1 << 20, "x");
    let made = 0;
    function* endless(): Generator<Buffer> {
      for (yield page; ; made++) yield part;
    }
    const { stream } = await throughProxy(answer(endless(), { "content-type": "text/html" }), place);
    let length = 0;
    for await (const bytes of stream) if ((length += bytes.length) > 20 << 20) break;
    expect(made).toBeLessThan(30);
  });

  test("sends elsewhere through it as well", async () => {
    const { headers } = await throughProxy(answer([], { location: "/y/" }), place);
    expect(headers.location).toBe("/proxy/y/");
  });
});
