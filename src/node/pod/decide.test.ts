import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod } from "../../api/schema/types.ts";
import type { Container } from "../runtime.ts";
import { aContainer, aPod, aSandbox, exited, running } from "../testing/objects.ts";
import { type Decision, decide, type Observed } from "./decide.ts";

const quiet: Observed = {
  pod: aPod(),
  sandboxes: [aSandbox()],
  containers: [running()],
  findings: new Map(),
  backOffs: new Map(),
  nowMs: 20_000,
};

/** A decision as a few words. */
function words({ makeSandbox, finished, kill, start, backingOff }: Decision): string[] {
  return [
    ...(finished ? ["finished"] : []),
    ...(makeSandbox === undefined ? [] : [`sandbox ${makeSandbox}`]),
    ...kill.map(({ running: { id }, because }) => `kill ${id}: ${because}`),
    ...start.map(({ container, attempt }) => `start ${container.spec.name}-${attempt}`),
    ...backingOff.map(({ container }) => `wait ${container.spec.name}`),
  ];
}

const withPolicy = (restartPolicy: string) => aPod({ spec: { restartPolicy } });
/** A pod of whose container the API was told this. */
const told = (status: { containerID?: string; restartCount: number }): Pod => ({
  ...aPod(),
  status: { containerStatuses: [{ name: "main", ready: false, image: "i", imageID: "", ...status }] },
});
const withInit = aPod({ spec: { initContainers: [aContainer({ name: "first" }), aContainer({ name: "second" })] } });
const withSidecar = aPod({
  spec: {
    initContainers: [
      aContainer({ name: "side", restartPolicy: "Always", startupProbe: { exec: { command: ["true"] } } }),
      aContainer({ name: "first" }),
    ],
  },
});
const started = new Map([["side-0", { startup: true }]]);
const backOff = (delayMs: number) => new Map([["main", { delayMs, grownAtMs: 0 }]]);

describe("pod decide()", () => {
  test.each<[name: string, given: Partial<Observed>, then: string[]]>([
    ["does nothing when all that should run runs", {}, []],
    ["begins with a sandbox", { sandboxes: [], containers: [] }, ["sandbox 0"]],
    [
      "makes a new sandbox when the old one has ended",
      { sandboxes: [aSandbox({ state: "notReady", attempt: 2 })] },
      ["sandbox 3"],
    ],
    ["starts a container that is missing", { containers: [] }, ["start main-0"]],
    [
      "starts all application containers",
      { pod: aPod({ spec: { containers: [aContainer(), aContainer({ name: "b" })] } }), containers: [] },
      ["start main-0", "start b-0"],
    ],
    [
      "starts what was made and never started again, under the same number",
      { containers: [running({ state: "created", attempt: 4 })] },
      ["start main-4"],
    ],
    [
      "counts a container that somebody removed",
      { containers: [], pod: told({ containerID: "docker://gone", restartCount: 2 }) },
      ["start main-3"],
    ],
    ["counts it once", { containers: [], pod: told({ restartCount: 3 }) }, ["start main-3"]],
    ["restarts a container at its first end at once", { containers: [exited(1)] }, ["start main-1"]],
    [
      "lets it wait when it ends again soon",
      { containers: [exited(1, { attempt: 1 })], backOffs: backOff(20_000) },
      ["wait main"],
    ],
    [
      "restarts it when the wait is over",
      { containers: [exited(1, { attempt: 1 })], backOffs: backOff(10_000) },
      ["start main-2"],
    ],
    ["restarts after success too when the policy is Always", { containers: [exited(0)] }, ["start main-1"]],
    [
      "does not restart after success when the policy is OnFailure",
      { pod: withPolicy("OnFailure"), containers: [exited(0)] },
      ["finished"],
    ],
    [
      "restarts after failure when the policy is OnFailure",
      { pod: withPolicy("OnFailure"), containers: [exited(1)] },
      ["start main-1"],
    ],
    ["never restarts when the policy is Never", { pod: withPolicy("Never"), containers: [exited(1)] }, ["finished"]],
    [
      "does not make a sandbox for what has run to its end",
      { pod: withPolicy("Never"), sandboxes: [aSandbox({ state: "notReady" })], containers: [exited(0)] },
      ["finished"],
    ],
    [
      "kills when the liveness probe has failed",
      { findings: new Map([["main-0", { liveness: false }]]) },
      ["kill main-0: liveness"],
    ],
    [
      "kills when the startup probe has failed",
      { findings: new Map([["main-0", { startup: false }]]) },
      ["kill main-0: startup"],
    ],
    ["leaves a container alone that is only not ready", { findings: new Map([["main-0", { readiness: false }]]) }, []],
    [
      "kills when the image has changed",
      { pod: aPod({ spec: { containers: [aContainer({ image: "other:2" })] } }) },
      ["kill main-0: definition"],
    ],
    ["runs init containers first", { pod: withInit, containers: [] }, ["start first-0"]],
    ["waits for an init container", { pod: withInit, containers: [running({ name: "first" })] }, []],
    ["runs the next one after it", { pod: withInit, containers: [exited(0, { name: "first" })] }, ["start second-0"]],
    ["tries a failed one again", { pod: withInit, containers: [exited(1, { name: "first" })] }, ["start first-1"]],
    [
      "goes on to the containers after the last",
      { pod: withInit, containers: [exited(0, { name: "second" }), exited(0, { name: "first" })] },
      ["start main-0"],
    ],
    ["runs init containers no more once a container was made", { pod: withInit, containers: [running()] }, []],
    [
      "runs them again in a new sandbox",
      {
        pod: withInit,
        sandboxes: [aSandbox({ id: "s1", attempt: 1 })],
        containers: [exited(0), exited(0, { name: "first" })],
      },
      ["start first-1"],
    ],
    [
      "gives up when one fails and the policy is Never",
      {
        pod: { ...withInit, spec: { ...withInit.spec, restartPolicy: "Never" } },
        containers: [exited(1, { name: "first" })],
      },
      ["finished"],
    ],
    [
      "starts a sidecar and waits until it has started",
      { pod: withSidecar, containers: [running({ name: "side" })] },
      [],
    ],
    [
      "goes on when the sidecar has started",
      { pod: withSidecar, containers: [running({ name: "side" })], findings: started },
      ["start first-0"],
    ],
    [
      "restarts a sidecar beside running containers",
      { pod: withSidecar, containers: [running(), exited(0, { name: "side" })] },
      ["start side-1"],
    ],
    [
      "does not wait for sidecars to be finished",
      {
        pod: aPod({ spec: { ...withSidecar.spec, restartPolicy: "Never" } }),
        containers: [exited(0), running({ name: "side" })],
      },
      ["finished"],
    ],
    [
      "starts an ephemeral container once",
      { pod: aPod({ spec: { ephemeralContainers: [{ name: "debug", image: "busybox:1" }] } }) },
      ["start debug-0"],
    ],
    [
      "does not restart it",
      {
        pod: aPod({ spec: { ephemeralContainers: [{ name: "debug", image: "busybox:1" }] } }),
        containers: [running(), exited(1, { name: "debug" })],
      },
      [],
    ],
  ])("%s", (_, given, then) => {
    expect(words(decide({ ...quiet, ...given }))).toEqual(then);
  });

  test("says when to look again for a container that waits", () => {
    const { againAfterMs } = decide({ ...quiet, containers: [exited(1, { attempt: 1 })], backOffs: backOff(20_000) });
    expect(againAfterMs).toBe(10_000);
  });

  test("settles: what it starts runs or ends for good after finitely many rounds, whatever the exit codes", () => {
    const policies = fc.constantFrom("Always", "OnFailure", "Never");
    fc.assert(
      fc.property(
        policies,
        fc.nat(2),
        fc.nat(2),
        fc.array(fc.nat(1), { maxLength: 8 }),
        (restartPolicy, inits, apps, codes) => {
          const named = (prefix: string, count: number) =>
            Array.from({ length: count }, (_, n) => aContainer({ name: `${prefix}${n}` }));
          const pod = aPod({
            spec: { restartPolicy, initContainers: named("i", inits), containers: named("a", apps + 1) },
          });
          const ends = [...codes];
          let containers: Container[] = [];
          let sandboxes: Observed["sandboxes"] = [];
          for (let round = 0; round < 40; round++) {
            const decision = decide({ ...quiet, pod, containers, sandboxes, nowMs: 1e9 });
            if (decision.finished || words(decision).length === 0) return;
            if (decision.makeSandbox !== undefined) sandboxes = [aSandbox()];
            for (const { container, attempt } of decision.start) {
              const { name } = container.spec;
              const code = ends.shift() ?? (container.role === "init" ? 0 : undefined);
              containers = [
                code === undefined ? running({ name, attempt }) : exited(code, { name, attempt }),
                ...containers,
              ];
            }
          }
          throw new Error("it did not settle");
        },
      ),
    );
  });
});
