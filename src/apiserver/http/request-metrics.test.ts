import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { builtinKinds } from "../../api/kinds/all.ts";
import { prometheusText } from "../../base/metrics.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { Catalog } from "../registry/resources.ts";
import type { Outgoing } from "./exchange.ts";
import { requestInfo } from "./request-info.ts";
import { RequestMetrics } from "./request-metrics.ts";

function ask(metrics: RequestMetrics, method: string, path: string, { code = 200, watching = false } = {}): () => void {
  const outgoing = Object.assign(new EventEmitter(), { statusCode: code });
  metrics.begin(requestInfo(method, path, { watching, onlyName: undefined }), outgoing as unknown as Outgoing, false);
  return () => void outgoing.emit("close");
}

/** What is counted under a name, without the labels that are empty. */
function counted(metrics: RequestMetrics, name: string): string[] {
  return prometheusText(metrics.metrics())
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) =>
      line
        .slice(name.length)
        .replaceAll(/component="apiserver",?|\w+="",?/g, "")
        .replace(",}", "}"),
    );
}

test.each<[what: string, method: string, path: string, line: string]>([
  [
    "an object",
    "GET",
    "/api/v1/namespaces/n/pods/p",
    '{code="200",resource="pods",scope="resource",verb="GET",version="v1"} 1',
  ],
  [
    "all of a namespace",
    "GET",
    "/apis/apps/v1/namespaces/n/deployments",
    '{code="200",group="apps",resource="deployments",scope="namespace",verb="LIST",version="v1"} 1',
  ],
  [
    "all there are",
    "DELETE",
    "/api/v1/nodes",
    '{code="200",resource="nodes",scope="cluster",verb="DELETECOLLECTION",version="v1"} 1',
  ],
  [
    "a part of an object",
    "PUT",
    "/api/v1/nodes/n/status",
    '{code="200",resource="nodes",scope="resource",subresource="status",verb="PUT",version="v1"} 1',
  ],
  [
    "a connection to a pod",
    "POST",
    "/api/v1/namespaces/n/pods/p/proxy",
    '{code="200",resource="pods",scope="resource",subresource="proxy",verb="CONNECT",version="v1"} 1',
  ],
  ["a page", "GET", "/livez", '{code="200",subresource="/livez",verb="GET"} 1'],
  ["what there is not", "GET", "/api/v1/namespaces/n/inventions/x", '{code="200",scope="resource",verb="GET"} 1'],
])("requests are counted by what they are about: %s", (_, method, path, line) => {
  const metrics = new RequestMetrics(fakeClock(), new Catalog(builtinKinds));
  ask(metrics, method, path)();
  expect(counted(metrics, "apiserver_request_total")).toEqual([line]);
});

test("requests under way are counted until they are over, those that last by themselves", async () => {
  const clock = fakeClock();
  const metrics = new RequestMetrics(clock, new Catalog(builtinKinds));
  const end = ask(metrics, "POST", "/api/v1/namespaces");
  ask(metrics, "GET", "/api/v1/pods", { watching: true });
  const inFlight = () => counted(metrics, "apiserver_current_inflight_requests");
  expect(inFlight()).toEqual(['{request_kind="mutating"} 1', '{request_kind="readOnly"} 0']);
  expect(counted(metrics, "apiserver_longrunning_requests")).toEqual([
    '{resource="pods",scope="cluster",verb="WATCH",version="v1"} 1',
  ]);
  await clock.advance(150);
  end();
  expect(inFlight()).toEqual(['{request_kind="mutating"} 0', '{request_kind="readOnly"} 0']);
  const durations = counted(metrics, "apiserver_request_duration_seconds_bucket");
  expect(durations.find((line) => line.includes('le="0.1"'))).toMatch(/ 0$/);
  expect(durations.find((line) => line.includes('le="0.2"'))).toMatch(/ 1$/);
});
