import { describe, expect, test } from "vitest";
import { aContainer, aPod, exited, running } from "../testing/objects.ts";
import { type StatusInputs, statusOf } from "./status.ts";

const quiet: StatusInputs = {
  pod: aPod(),
  containers: [running()],
  sandboxReady: true,
  podIps: ["10.42.0.5"],
  hostIps: ["192.168.0.2"],
  findings: new Map(),
  troubles: new Map(),
  lastWords: new Map(),
  imageReferences: new Map(),
  allocation: new Map(),
  resize: {},
  ended: false,
  startedAtMs: 0,
  nowMs: 20_000,
};
const crash = { reason: "CrashLoopBackOff", message: "back-off 10s" };
const conditions = (inputs: StatusInputs) =>
  Object.fromEntries(
    (statusOf(inputs).conditions ?? []).map(({ type, status, reason }) => [
      type,
      reason ? `${status} ${reason}` : status,
    ]),
  );

describe("a pod's status", () => {
  test.each<[name: string, given: Partial<StatusInputs>, phase: string]>([
    ["Running while its container runs", {}, "Running"],
    ["Pending before the containers are made", { containers: [] }, "Pending"],
    [
      "Running while a container that has run waits to be restarted",
      { containers: [exited(1)], troubles: new Map([["main", crash]]) },
      "Running",
    ],
    [
      "Pending while an image is missing",
      { containers: [], troubles: new Map([["main", { reason: "ErrImagePull", message: "" }]]) },
      "Pending",
    ],
    [
      "Succeeded when all have ended well and none runs again",
      { pod: aPod({ spec: { restartPolicy: "OnFailure" } }), containers: [exited(0)] },
      "Succeeded",
    ],
    [
      "Failed when one has failed and none runs again",
      { pod: aPod({ spec: { restartPolicy: "Never" } }), containers: [exited(2)] },
      "Failed",
    ],
    [
      "Running when a failed one will run again",
      { pod: aPod({ spec: { restartPolicy: "OnFailure" } }), containers: [exited(2)] },
      "Running",
    ],
    [
      "Failed when it was deleted and a container had to be killed",
      { ended: true, containers: [exited(137)] },
      "Failed",
    ],
    [
      "Succeeded when it was deleted and its containers ended well",
      { ended: true, containers: [exited(0)] },
      "Succeeded",
    ],
    ["Failed for ever once it has failed", { pod: aPod({ status: { phase: "Failed" } }) }, "Failed"],
    [
      "Pending while init containers run",
      {
        pod: aPod({ spec: { initContainers: [aContainer({ name: "init" })] } }),
        containers: [running({ name: "init" })],
      },
      "Pending",
    ],
    [
      "Failed when an init container has failed for good",
      {
        pod: aPod({ spec: { restartPolicy: "Never", initContainers: [aContainer({ name: "init" })] } }),
        containers: [exited(1, { name: "init" })],
      },
      "Failed",
    ],
    [
      "Running when a rule of its own starts a failed container again",
      {
        pod: aPod({
          spec: {
            restartPolicy: "Never",
            containers: [
              aContainer({ restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [2] } }] }),
            ],
          },
        }),
        containers: [exited(2)],
      },
      "Running",
    ],
    [
      "Failed when a container that has its own policy does not run again",
      { pod: aPod({ spec: { containers: [aContainer({ restartPolicy: "Never" })] } }), containers: [exited(2)] },
      "Failed",
    ],
  ])("has the phase %s", (name, given, phase) => {
    expect(statusOf({ ...quiet, ...given }).phase).toBe(phase);
    expect(name).toContain(phase);
  });

  test("a container that an init container kept from beginning is not lost when the pod ends", () => {
    const initContainers = ["first", "second"].map((name) => aContainer({ name }));
    const pod = aPod({ spec: { restartPolicy: "Never", initContainers } });
    const stopped = (...containers: ReturnType<typeof exited>[]) => {
      const { initContainerStatuses = [], containerStatuses = [] } = statusOf({
        ...quiet,
        pod,
        ended: true,
        containers,
      });
      return [...initContainerStatuses, ...containerStatuses].map(
        ({ state }) => state?.waiting?.reason ?? state?.terminated?.reason,
      );
    };
    expect(stopped(exited(1, { name: "first" }))).toEqual(["Error", "PodInitializing", "PodInitializing"]);
    expect(stopped(exited(1, { name: "second" }))).toEqual(["ContainerStatusUnknown", "Error", "PodInitializing"]);
    expect(stopped(exited(0, { name: "second" }))).toEqual([
      "ContainerStatusUnknown",
      "Completed",
      "ContainerStatusUnknown",
    ]);
  });

  test("shows a running container as ready, with addresses and class", () => {
    expect(statusOf(quiet)).toMatchObject({
      observedGeneration: 1,
      podIP: "10.42.0.5",
      podIPs: [{ ip: "10.42.0.5" }],
      hostIP: "192.168.0.2",
      qosClass: "BestEffort",
      startTime: "1970-01-01T00:00:00Z",
      containerStatuses: [
        { name: "main", ready: true, started: true, restartCount: 0, containerID: "docker://main-0", lastState: {} },
      ],
    });
    expect(conditions(quiet)).toEqual({
      PodReadyToStartContainers: "True",
      Initialized: "True",
      Ready: "True",
      ContainersReady: "True",
      PodScheduled: "True",
    });
  });

  test("shows how a container ended before, and why it waits", () => {
    const containers = [exited(3, { attempt: 1 }), exited(137, { oomKilled: true })];
    const { containerStatuses } = statusOf({
      ...quiet,
      containers,
      troubles: new Map([["main", crash]]),
      lastWords: new Map([["main-1", "ouch"]]),
    });
    expect(containerStatuses).toMatchObject([
      {
        restartCount: 1,
        ready: false,
        started: false,
        state: { waiting: crash },
        lastState: { terminated: { exitCode: 3, reason: "Error", message: "ouch" } },
      },
    ]);
    expect(statusOf({ ...quiet, containers }).containerStatuses).toMatchObject([
      { state: { terminated: { exitCode: 3 } }, lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } } },
    ]);
  });

  test("says what is not ready", () => {
    const pod = aPod({
      spec: {
        containers: [aContainer({ readinessProbe: { tcpSocket: { port: 80 } } })],
        readinessGates: [{ conditionType: "example.com/ok" }],
      },
    });
    expect(conditions({ ...quiet, pod })).toMatchObject({
      Ready: "False ContainersNotReady",
      ContainersReady: "False ContainersNotReady",
    });
    const findings = new Map([["main-0", { readiness: true }]]);
    expect(conditions({ ...quiet, pod, findings })).toMatchObject({
      Ready: "False ReadinessGatesNotReady",
      ContainersReady: "True",
    });
    const gated = { ...pod, status: { conditions: [{ type: "example.com/ok", status: "True" }] } };
    expect(conditions({ ...quiet, pod: gated, findings })).toMatchObject({ Ready: "True", "example.com/ok": "True" });
  });

  test("waits as ContainerCreating, and as PodInitializing where there are init containers, which wait so themselves", () => {
    const waiting = (inputs: StatusInputs) => {
      const { initContainerStatuses = [], containerStatuses = [] } = statusOf(inputs);
      return [...initContainerStatuses, ...containerStatuses].map(({ state }) => state?.waiting?.reason);
    };
    expect(waiting({ ...quiet, containers: [] })).toEqual(["ContainerCreating"]);
    const pod = aPod({ spec: { initContainers: [aContainer({ name: "init" })] } });
    expect(waiting({ ...quiet, containers: [], pod })).toEqual(["PodInitializing", "PodInitializing"]);
    const blocked = { reason: "AppArmor", message: "Cannot enforce AppArmor" };
    expect(statusOf({ ...quiet, containers: [], blocked })).toMatchObject({ phase: "Pending", ...blocked });
    expect(waiting({ ...quiet, containers: [], blocked })).toEqual(["Blocked"]);
  });

  test("moves a condition's time only when the condition moves", () => {
    const first = statusOf(quiet);
    const later = statusOf({ ...quiet, pod: aPod({ status: first }), nowMs: 90_000 });
    expect(later).toEqual(first);
    const changed = statusOf({ ...quiet, pod: aPod({ status: first }), containers: [exited(1)], nowMs: 90_000 });
    expect(changed.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime).toBe("1970-01-01T00:01:30Z");
    expect(changed.conditions?.find(({ type }) => type === "Initialized")?.lastTransitionTime).toBe(
      "1970-01-01T00:00:20Z",
    );
  });
});
