import { expect, test } from "vitest";
import { ByLabels, Counter, countersMetric, Histogram, histogramsMetric, Metrics, prometheusText } from "./metrics.ts";

test("counters are written with their labels, one line each", () => {
  const counters = new ByLabels(["code", "verb"], () => new Counter());
  counters.of("200", "GET").add();
  counters.of("200", "GET").add();
  counters.of("404", 'a"b\n').add(3);
  expect(prometheusText([countersMetric({ name: "requests_total", help: "Requests." }, counters)])).toBe(
    [
      "# HELP requests_total Requests.",
      "# TYPE requests_total counter",
      'requests_total{code="200",verb="GET"} 2',
      'requests_total{code="404",verb="a\\"b\\n"} 3',
      "",
    ].join("\n"),
  );
});

test("a histogram counts what is at most each bound", () => {
  const histograms = new ByLabels(["verb"], () => new Histogram([0.1, 1]));
  for (const value of [0.05, 0.1, 0.5, 7]) histograms.of("GET").observe(value);
  expect(prometheusText([histogramsMetric({ name: "seconds", help: "Time." }, histograms)])).toBe(
    [
      "# HELP seconds Time.",
      "# TYPE seconds histogram",
      'seconds_bucket{verb="GET",le="0.1"} 2',
      'seconds_bucket{verb="GET",le="1"} 3',
      'seconds_bucket{verb="GET",le="+Inf"} 4',
      'seconds_sum{verb="GET"} 7.65',
      'seconds_count{verb="GET"} 4',
      "",
    ].join("\n"),
  );
});

test("every part adds its own, until it ends", () => {
  const metrics = new Metrics();
  const metric = (name: string) => () => [{ name, type: "gauge", help: "x", samples: [[{}, 1]] }] as const;
  const first = metrics.add(metric("a"));
  metrics.add(metric("b"));
  expect(metrics.text()).toContain("a 1\n");
  first[Symbol.dispose]();
  expect(metrics.text()).toBe("# HELP b x\n# TYPE b gauge\nb 1\n");
});

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
