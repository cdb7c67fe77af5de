import { expect, test } from "vitest";
import { prometheusText } from "./prometheus.ts";

test("writes labels with what Prometheus must not misread, and leaves out what is not known", () => {
  const samples = [
    [{ path: 'a"b\\c\nd' }, 1],
    [{ path: "unknown" }, undefined],
    [{}, 2],
  ] as const;
  expect(prometheusText([{ name: "m", type: "gauge", help: "Help", samples }], { atMs: 5 })).toBe(
    '# HELP m Help\n# TYPE m gauge\nm{path="a\\"b\\\\c\\nd"} 1 5\nm 2 5\n',
  );
});
