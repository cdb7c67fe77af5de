import { describe, expect, test } from "vitest";
import type { Pod, PodStatus } from "../../schema/types.ts";
import { podColumns } from "./pod-columns.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const done = { terminated: { exitCode: 0, reason: "Completed" } };

function shown(pod: {
  spec?: Partial<Pod["spec"]>;
  status?: PodStatus;
  metadata?: Partial<Pod["metadata"]>;
}): unknown[] {
  const whole: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", ...pod.metadata },
    spec: { containers: [{ name: "a" }], ...pod.spec },
    ...(pod.status && { status: pod.status }),
  };
  return podColumns
    .filter(({ name }) => ["Ready", "Status", "Restarts"].includes(name))
    .map((column) => column.cell(whole, now));
}

function aStatus(name: string, state: object, more: object = {}): NonNullable<PodStatus["containerStatuses"]>[number] {
  return { name, image: "", imageID: "", ready: false, restartCount: 0, state, ...more };
}

describe("a pod in a table", () => {
  test.each<[string, Parameters<typeof shown>[0], unknown[]]>([
    ["waits", { status: { phase: "Pending" } }, ["0/1", "Pending", "0"]],
    [
      "runs",
      { status: { phase: "Running", containerStatuses: [aStatus("a", running, { ready: true })] } },
      ["1/1", "Running", "0"],
    ],
    [
      "crashes again and again",
      {
        status: {
          phase: "Running",
          containerStatuses: [
            aStatus(
              "a",
              { waiting: { reason: "CrashLoopBackOff" } },
              {
                restartCount: 2,
                lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:55:00Z" } },
              },
            ),
          ],
        },
      },
      ["0/1", "CrashLoopBackOff", "2 (5m ago)"],
    ],
    [
      "is at its second init container",
      {
        spec: { initContainers: [{ name: "i" }, { name: "j" }] },
        status: {
          phase: "Pending",
          initContainerStatuses: [aStatus("i", done), aStatus("j", running)],
          containerStatuses: [aStatus("a", { waiting: { reason: "PodInitializing" } })],
        },
      },
      ["0/1", "Init:1/2", "0"],
    ],
    [
      "fails to begin",
      {
        spec: { initContainers: [{ name: "i" }] },
        status: { phase: "Pending", initContainerStatuses: [aStatus("i", { terminated: { exitCode: 3 } })] },
      },
      ["0/1", "Init:ExitCode:3", "0"],
    ],
    [
      "has a companion that runs along",
      {
        spec: { initContainers: [{ name: "i", restartPolicy: "Always" }] },
        status: {
          phase: "Running",
          initContainerStatuses: [aStatus("i", running, { started: true, ready: true })],
          containerStatuses: [aStatus("a", running, { ready: true })],
        },
      },
      ["2/2", "Running", "0"],
    ],
    [
      "is complete",
      { status: { phase: "Succeeded", containerStatuses: [aStatus("a", done)] } },
      ["0/1", "Completed", "0"],
    ],
    [
      "is leaving",
      { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, status: { phase: "Running" } },
      ["0/1", "Terminating", "0"],
    ],
    [
      "was complete before it began to leave",
      {
        metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" },
        status: { phase: "Succeeded", containerStatuses: [aStatus("a", done)] },
      },
      ["0/1", "Completed", "0"],
    ],
    [
      "has one that is done and one that failed",
      {
        status: {
          phase: "Running",
          containerStatuses: [
            aStatus("a", done),
            aStatus("b", { terminated: { exitCode: 1, reason: "Error" } }),
            aStatus("c", running, { ready: true }),
          ],
        },
      },
      ["1/1", "Error", "0"],
    ],
    [
      "begins once more, and its first init container fails again",
      {
        spec: { initContainers: [{ name: "i" }, { name: "j" }] },
        status: {
          phase: "Pending",
          initContainerStatuses: [
            aStatus("i", { waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 2 }),
            aStatus("j", done, { restartCount: 5 }),
          ],
        },
      },
      ["0/1", "Init:CrashLoopBackOff", "2"],
    ],
    [
      "was killed by a signal",
      {
        status: { phase: "Failed", containerStatuses: [aStatus("a", { terminated: { exitCode: 137, signal: 9 } })] },
      },
      ["0/1", "Signal:9", "0"],
    ],
  ])("%s", (_, pod, cells) => expect(shown(pod)).toEqual(cells));
});
