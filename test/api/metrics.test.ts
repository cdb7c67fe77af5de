import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test("one page shows what API server, controllers and scheduler count, each metric once", async () => {
  await server.api.request("GET", "/api/v1/namespaces/default/pods");
  const lines = [
    /^apiserver_request_total\{.*resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"\} [1-9]/m,
    /^apiserver_request_duration_seconds_bucket\{.*resource="pods".*le="\+Inf"\} [1-9]/m,
    /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m,
    /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="workload-low"\} 245$/m,
    /^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="exempt",priority_level="exempt"\} [1-9]/m,
    /^apiserver_storage_objects\{resource="flowschemas\.flowcontrol\.apiserver\.k8s\.io"\} [1-9]/m,
    /^workqueue_adds_total\{name="\w[^"]*"\} [1-9]/m,
    /^scheduler_pending_pods\{queue="unschedulable"\} 0$/m,
    /^kubernetes_build_info\{.*git_version="v1\.36/m,
    /^process_resident_memory_bytes [1-9]/m,
  ];
  const text = await eventually(async () => {
    const { status, body } = await server.api.request("GET", "/metrics");
    expect(status).toBe(200);
    for (const line of lines) expect(String(body)).toMatch(line);
    return String(body);
  });
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(names).toEqual([...new Set(names)]);
});
