import { expect, test } from "vitest";
import { linkThroughProxy, pageThroughProxy } from "./proxied-links.ts";

const prefix = "/api/v1/namespaces/default/pods/web/proxy";
const place = { prefix, sourceHost: "10.42.0.7:80", requestHost: "192.0.2.1:6443" };

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
])("%s: %s", (_, link, through) => expect(linkThroughProxy(link, place)).toBe(through));

test.each([
  ["links", '<a href="/x">/x</a>', `<a href="${prefix}/x">/x</a>`],
  [
    "in any quotes and case",
    "<IMG alt='/x' SRC='/y'><a href=/z>",
    `<IMG alt='/x' SRC='${prefix}/y'><a href=${prefix}/z>`,
  ],
  ["not other attributes", '<a title="/x" data-href="/x">', '<a title="/x" data-href="/x">'],
  ["not other elements'", '<p href="/x">', '<p href="/x">'],
  ["not what only looks like them in a value", `<p title='<a href="/x">'>`, `<p title='<a href="/x">'>`],
  [
    "a script's place, not its text",
    '<script src="/x">"<a href=\\"/x\\">"</script>',
    `<script src="${prefix}/x">"<a href=\\"/x\\">"</script>`,
  ],
  ["not comments", '<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->'],
])("a page's %s are led through the proxy", (_, page, through) => expect(pageThroughProxy(page, place)).toBe(through));
