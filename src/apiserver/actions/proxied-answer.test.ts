import { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { proxiedAnswer } from "./proxied-answer.ts";

const prefix = "/api/v1/namespaces/default/pods/web/proxy";
const place = { prefix, host: "192.0.2.1:6443", source: "10.42.0.7:80" };

async function answered(body: Buffer, headers: Record<string, string>) {
  const answer = proxiedAnswer({ status: 200, headers, stream: Duplex.from([body]) }, place);
  return { headers: answer.headers, body: await buffer(answer.stream) };
}

test.each([
  ["a path leads through the proxy", "/style.css", `${prefix}/style.css`],
  ["its end stays", "/folder/?a=b#c", `${prefix}/folder/?a=b#c`],
  ["one that does already stays", `${prefix}/style.css`, `${prefix}/style.css`],
  ["a relative one stays", "style.css", "style.css"],
  ["so does a part of the page", "#top", "#top"],
  ["and a letter's address", "mailto:me@example.org", "mailto:me@example.org"],
  ["another server's stays", "https://example.org/x", "https://example.org/x"],
  ["the pod's own address leads through the proxy", "http://10.42.0.7:80/x", `${prefix}/x`],
  ["this server's stays this server's", "https://192.0.2.1:6443/x", `https://192.0.2.1:6443${prefix}/x`],
])("%s: %s", async (_, link, through) => {
  const { headers } = await answered(Buffer.alloc(0), { location: link });
  expect(headers.location).toBe(through);
});

test.each([
  ["links", '<a href="/x">/x</a>', `<a href="${prefix}/x">/x</a>`],
  ["only the tags that change", "<P ALT='/x'><a  title=b href=/z>", `<P ALT='/x'><a title="b" href="${prefix}/z">`],
  ["not other attributes", '<a title="/x" data-href="/x">', '<a title="/x" data-href="/x">'],
  ["not what only looks like them in a value", `<p title='<a href="/x">'>`, `<p title='<a href="/x">'>`],
  [
    "a script's place, not its text",
    '<script src="/x">"<a href=\\"/x\\">"</script>',
    `<script src="${prefix}/x">"<a href=\\"/x\\">"</script>`,
  ],
  ["not comments", '<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->'],
])("of a page it moves %s", async (_, page, through) => {
  const { body } = await answered(Buffer.from(page), { "content-type": "text/html; charset=UTF-8" });
  expect(body.toString()).toBe(through);
});

test.each([
  ["gzip", gzipSync, gunzipSync],
  ["deflate", deflateSync, inflateSync],
])("a page in %s stays so", async (coding, write, read) => {
  const headers = { "content-type": "text/html", "content-encoding": coding, "content-length": "99" };
  const answer = await answered(write('<a href="/x">\u00e9</a>'), headers);
  expect(read(answer.body).toString()).toBe(`<a href="${prefix}/x">\u00e9</a>`);
  expect(answer.headers).toEqual({ "content-type": "text/html", "content-encoding": coding });
});

test.each(["text/plain", "text/html; charset=iso-8859-1"])("%s passes as it comes", async (type) => {
  const bytes = Buffer.from([0x3c, 0x61, 0xe9, 0xff]);
  expect((await answered(bytes, { "content-type": type, "content-length": "4" })).body).toEqual(bytes);
});
