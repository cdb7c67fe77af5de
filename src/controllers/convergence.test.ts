import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { daemonSet } from "../api/kinds/apps/daemon-set.ts";
import { deployment } from "../api/kinds/apps/deployment.ts";
import { replicaSet } from "../api/kinds/apps/replica-set.ts";
import { statefulSet } from "../api/kinds/apps/stateful-set.ts";
import { cronJob } from "../api/kinds/batch/cron-job.ts";
import { job } from "../api/kinds/batch/job.ts";
import { node } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../api/object.ts";
import { hasEnded } from "../api/pod-phase.ts";
import type { Job, Pod } from "../api/schema/types.ts";
import { conflict } from "../api/status.ts";
import type { Controller } from "../client/controller.ts";
import { cronJobController } from "./cronjob/controller.ts";
import { daemonSetController } from "./daemonset/controller.ts";
import { targetNode } from "./daemonset/nodes.ts";
import { deploymentController } from "./deployment/controller.ts";
import { jobController } from "./job/controller.ts";
import { isReady } from "./pods.ts";
import { replicaSetController } from "./replicaset/controller.ts";
import { statefulSetController } from "./statefulset/controller.ts";
import { aWorld, type World } from "./testing/world.ts";

/** What people and accidents do to a workload. */
type Action =
  | { readonly do: "scale"; readonly replicas: number }
  | { readonly do: "image"; readonly image: number }
  | { readonly do: "kill" | "fail" | "succeed"; readonly nth: number }
  | { readonly do: "refuse"; readonly writes: number }
  | { readonly do: "lag"; readonly ms: number }
  | { readonly do: "restart" | "end watches" | "forget history" };

/** What hinders the controllers and touches no pod. */
const hindrance: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant("refuse" as const), writes: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant("lag" as const), ms: fc.constantFrom(0, 10, 400, 5000) }),
  fc.record({ do: fc.constantFrom("restart" as const, "end watches" as const, "forget history" as const) }),
);
const accident: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constantFrom("kill" as const, "fail" as const), nth: fc.nat(5) }),
  hindrance,
);
const success: fc.Arbitrary<Action> = fc.record({ do: fc.constant("succeed" as const), nth: fc.nat(5) });
const newImage: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("image" as const),
  image: fc.integer({ min: 1, max: 3 }),
});
const change: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant("scale" as const), replicas: fc.nat(5) }),
  newImage,
);
/** Actions, and for how many milliseconds the controllers work before each. */
const story = (action: fc.Arbitrary<Action>) =>
  fc.array(fc.record({ action, afterMs: fc.constantFrom(0, 0, 5, 700, 3000) }), { maxLength: 12 });

const key = { namespace: "default", name: "web" };
const template = (image: number) =>
  ({ metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "app", image: `app:${image}` }] } }) as never;
const selector = { matchLabels: { app: "web" } };
const images = (pods: readonly Pod[]) => pods.map(({ spec }) => spec.containers[0]?.image);
const stays = (one: Pod): boolean => !isLeaving(one) && !hasEnded(one);

async function living(world: World): Promise<readonly Pod[]> {
  return (await world.all(pod)).filter(stays);
}

/** Does what the story says to the workload; `set` changes its spec. */
async function tell(
  world: World,
  steps: readonly { action: Action; afterMs: number }[],
  { set, check }: { set?: (spec: object) => Promise<unknown>; check?: () => Promise<void> },
): Promise<void> {
  let refusals = 0;
  world.transport.intercept = ({ verb, resource, group, name = "" }) => {
    if (!["update", "patch", "delete"].includes(verb) || refusals === 0) return;
    refusals--;
    throw conflict({ group, plural: resource }, name, "somebody was faster");
  };
  for (const { action, afterMs } of steps) {
    await world.clock.advance(afterMs);
    const pods = await living(world);
    const chosen = "nth" in action ? pods[action.nth] : undefined;
    refusals = 0; // what the story itself does is not refused
    if (action.do === "scale") await set?.({ replicas: action.replicas });
    if (action.do === "image") await set?.({ template: template(action.image) });
    if (action.do === "kill" && chosen) await world.client.delete(pod, keyOf(chosen));
    const phase = { fail: "Failed", succeed: "Succeeded" }[action.do as string];
    if (phase && chosen) await world.client.updateStatus(pod, { ...chosen, status: { ...chosen.status, phase } });
    if (action.do === "restart") await world.restart();
    if (action.do === "end watches") world.transport.endWatches();
    if (action.do === "forget history") world.transport.compact();
    if (action.do === "refuse") refusals = action.writes;
    if (action.do === "lag") world.transport.watchLagMs = action.ms;
    await check?.();
  }
  refusals = 0;
  world.transport.watchLagMs = 0;
}

/** The most pods and the fewest ready ones that there were at any moment from now on. */
async function extremesOf(world: World): Promise<{ readonly most: number; readonly fewestReady: number }> {
  const pods = new Map((await world.all(pod)).map((one) => [one.metadata.uid, one]));
  const seen = { most: 0, fewestReady: Number.POSITIVE_INFINITY };
  world.transport.stored = ({ type, object }) => {
    if (object.kind !== "Pod") return;
    if (type === "DELETED") pods.delete(object.metadata.uid);
    else pods.set(object.metadata.uid, object as unknown as Pod);
    const there = [...pods.values()].filter(stays);
    seen.most = Math.max(seen.most, there.length);
    seen.fewestReady = Math.min(seen.fewestReady, there.filter(isReady).length);
  };
  return seen;
}

/** Lets time pass until `done`; fails with what it says when it never comes to that. */
async function comesTo(world: World, done: () => Promise<void>): Promise<void> {
  for (let looks = 0; ; looks++) {
    await world.clock.advance(looks < 60 ? 1000 : 60_000); // waits between failures grow to minutes
    try {
      return await done();
    } catch (error) {
      if (looks === 120) throw error;
    }
  }
}

async function inWorld(controllers: readonly Controller[], run: (world: World) => Promise<void>): Promise<void> {
  await using world = await aWorld(controllers);
  await run(world);
}

describe("whatever happens on the way, the end is what was asked for", () => {
  test("of a Deployment", { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(story(fc.oneof(change, accident)), (steps) =>
        inWorld([deploymentController, replicaSetController], async (world) => {
          await world.client.create(deployment, {
            metadata: key,
            spec: { replicas: 3, selector, template: template(1) },
          });
          const set = (spec: object) => world.client.patch(deployment, key, { type: "merge", document: { spec } });
          await tell(world, steps, { set });
          const { spec } = await world.client.get(deployment, key);
          const image = spec.template.spec?.containers[0]?.image;
          await comesTo(world, async () => {
            expect(images(await living(world))).toEqual(Array(spec.replicas).fill(image));
            const { status, metadata } = await world.client.get(deployment, key);
            expect(status?.observedGeneration).toBe(metadata.generation);
            expect(status?.updatedReplicas ?? 0).toBe(spec.replicas);
            const sets = (await world.all(replicaSet)).map((one) => one.spec.replicas ?? 0);
            expect(sets.filter((size) => size > 0)).toEqual(spec.replicas ? [spec.replicas] : []);
          });
        }),
      ),
      { numRuns: 25 },
    ),
  );

  const bounds = fc.constantFrom([1, 0], [0, 1], [2, 1], ["50%", "25%"]);
  const inRollout = (strategyOf: readonly (number | string)[], run: (world: World) => Promise<void>) =>
    inWorld([deploymentController, replicaSetController], async (world) => {
      const [maxSurge = 1, maxUnavailable = 0] = strategyOf;
      const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } };
      await world.client.create(deployment, {
        metadata: key,
        spec: { replicas: 4, selector, template: template(1), strategy },
      });
      await comesTo(world, async () => expect((await living(world)).filter(isReady)).toHaveLength(4));
      await run(world);
      await comesTo(world, async () => expect((await living(world)).filter(isReady)).toHaveLength(4));
    });
  const set = (world: World) => (changed: object) =>
    world.client.patch(deployment, key, { type: "merge", document: { spec: changed } });
  const amount = (of: number | string | undefined): number =>
    typeof of === "string" ? (4 * Number.parseInt(of, 10)) / 100 : (of ?? 0);

  test("of a rollout, which never has more pods than it may", { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(story(fc.oneof(newImage, accident)), bounds, (steps, strategyOf) =>
        inRollout(strategyOf, async (world) => {
          const seen = await extremesOf(world);
          await tell(world, steps, { set: set(world) });
          await comesTo(world, async () => expect(await living(world)).toHaveLength(4));
          expect(seen.most).toBeLessThanOrEqual(4 + amount(strategyOf[0]));
        }),
      ),
      { numRuns: 20 },
    ),
  );

  test("of a rollout, which never takes more pods from its users than it may", { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(story(fc.oneof(newImage, hindrance)), bounds, (steps, strategyOf) =>
        inRollout(strategyOf, async (world) => {
          const seen = await extremesOf(world);
          await tell(world, steps, { set: set(world) });
          await comesTo(world, async () => expect(await living(world)).toHaveLength(4));
          expect(seen.fewestReady).toBeGreaterThanOrEqual(4 - amount(strategyOf[1]));
        }),
      ),
      { numRuns: 20 },
    ),
  );

  test("of a StatefulSet, whose pods are each there once", { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(story(fc.oneof(change, accident)), fc.boolean(), (steps, parallel) =>
        inWorld([statefulSetController], async (world) => {
          const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 0 } };
          const podManagementPolicy = parallel ? "Parallel" : "OrderedReady";
          const spec = {
            replicas: 2,
            serviceName: "web",
            selector,
            template: template(1),
            podManagementPolicy,
            updateStrategy,
          };
          await world.client.create(statefulSet, { metadata: key, spec });
          const set = (changed: object) =>
            world.client.patch(statefulSet, key, { type: "merge", document: { spec: changed } });
          await tell(world, steps, { set });
          const { replicas = 0, template: wanted } = (await world.client.get(statefulSet, key)).spec;
          await comesTo(world, async () => {
            const pods = await living(world);
            const names = Array.from({ length: replicas }, (_, ordinal) => `web-${ordinal}`);
            expect(pods.map(({ metadata }) => metadata.name).sort()).toEqual(names);
            expect(new Set(images(pods))).toEqual(new Set(replicas ? [wanted.spec?.containers[0]?.image] : []));
          });
        }),
      ),
      { numRuns: 25 },
    ),
  );

  test("of a Job, which counts every pod once", { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(story(fc.oneof(accident, success)), (steps) =>
        inWorld([jobController()], async (world) => {
          const spec = { completions: 4, parallelism: 2, backoffLimit: 100, selector, template: template(1) };
          await world.client.create(job, { metadata: key, spec });
          await tell(world, steps, {});
          await comesTo(world, async () => {
            for (const one of await living(world))
              if (one.status?.phase === "Running")
                await world.client.updateStatus(pod, { ...one, status: { ...one.status, phase: "Succeeded" } });
            const { status } = await world.client.get(job, key);
            expect(status?.conditions?.map(({ type }) => type)).toContain("Complete");
            const ended = (phase: string, pods: readonly Pod[]) =>
              pods.filter((one) => one.status?.phase === phase).length;
            const pods = await world.all(pod);
            expect([status?.succeeded, ended("Succeeded", pods)]).toEqual([4, 4]);
          });
        }),
      ),
      { numRuns: 150 },
    ),
  );

  test("of a DaemonSet, with one pod on each node that should have one", { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(story(fc.oneof(change, accident)), fc.integer({ min: 1, max: 3 }), (steps, maxUnavailable) =>
        inWorld([daemonSetController()], async (world) => {
          const names = ["n1", "n2", "n3", "n4", "n5"];
          const closed = { key: "closed", effect: "NoExecute" };
          for (const name of names) await world.client.create(node, { metadata: { name }, spec: {} });
          const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge: 0 } };
          await world.client.create(daemonSet, {
            metadata: key,
            spec: { selector, template: template(1), updateStrategy },
          });
          let open = names;
          const set = async (changed: { replicas?: number }) => {
            if (changed.replicas === undefined)
              return world.client.patch(daemonSet, key, { type: "merge", document: { spec: changed } });
            open = names.slice(0, changed.replicas);
            for (const name of names) {
              const document = { spec: { taints: open.includes(name) ? [] : [closed] } };
              await world.client.patch(node, { name }, { type: "merge", document });
            }
          };
          const placesOf = (pods: readonly Pod[]) => pods.map((one) => targetNode(one)).sort();
          const check = async () => {
            const places = placesOf(await living(world));
            expect(places).toEqual([...new Set(places)]);
          };
          await tell(world, steps, { set, check });
          const wanted = (await world.client.get(daemonSet, key)).spec.template.spec?.containers[0]?.image;
          await comesTo(world, async () => {
            const pods = await living(world);
            expect(placesOf(pods)).toEqual(open);
            expect(new Set(images(pods))).toEqual(new Set(open.length > 0 ? [wanted] : []));
            const { status } = await world.client.get(daemonSet, key);
            expect([status?.desiredNumberScheduled, status?.numberAvailable ?? 0]).toEqual([open.length, open.length]);
          });
        }),
      ),
      { numRuns: 20 },
    ),
  );

  test("of a CronJob, which starts each minute's Job once and keeps to its policy", { timeout: 60_000 }, () => {
    const event = fc.record({
      happens: fc.constantFrom("nothing", "finish", "restart", "end watches", "forget history", "refuse"),
      minutes: fc.integer({ min: 0, max: 2 }),
    });
    const policies = fc.constantFrom("Allow", "Forbid", "Replace");
    return fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 15 }), policies, (events, concurrencyPolicy) =>
        inWorld([cronJobController], async (world) => {
          const spec = {
            schedule: "* * * * *",
            timeZone: "UTC",
            concurrencyPolicy,
            successfulJobsHistoryLimit: 2,
            jobTemplate: { spec: { template: template(1) } },
          };
          const begun = Math.floor(world.clock.now() / 60_000);
          await world.client.create(cronJob, { metadata: key, spec });
          const made = new Set<string>();
          let refusals = 0;
          world.transport.intercept = ({ verb, resource, group, name = "" }) => {
            const isStatus = verb === "update" && resource === "cronjobs";
            if (isStatus && refusals-- > 0) throw conflict({ group, plural: resource }, name, "somebody was faster");
          };
          const isRunning = ({ status }: Job) => !status?.conditions;
          const look = async () => {
            const jobs = (await world.all(job)).filter((one) => !isLeaving(one));
            for (const { metadata } of jobs) made.add(metadata.name);
            if (concurrencyPolicy !== "Allow") expect(jobs.filter(isRunning).length).toBeLessThanOrEqual(1);
            return jobs;
          };
          for (const { happens, minutes } of events) {
            for (let second = 0; second < 60 * minutes; second += 20) {
              await world.clock.advance(20_000);
              await look();
            }
            const [oldest] = (await look()).filter(isRunning);
            const completionTime = new Date(world.clock.now()).toISOString();
            const conditions = [{ type: "Complete", status: "True" }];
            if (happens === "finish" && oldest)
              await world.client.updateStatus(job, { ...oldest, status: { completionTime, conditions } });
            if (happens === "restart") await world.restart();
            if (happens === "end watches") world.transport.endWatches();
            if (happens === "forget history") world.transport.compact();
            if (happens === "refuse") refusals = 3;
          }
          refusals = 0;
          await comesTo(world, async () => {
            const jobs = await look();
            expect(jobs.filter((one) => !isRunning(one)).length).toBeLessThanOrEqual(2);
            const { status } = await world.client.get(cronJob, key);
            const running = jobs.filter(isRunning).map(({ metadata }) => metadata.name);
            expect((status?.active ?? []).map(({ name }) => name).sort()).toEqual(running.sort());
          });
          if (concurrencyPolicy === "Forbid") return;
          const last = Math.floor(world.clock.now() / 60_000);
          const minutes = Array.from({ length: last - begun }, (_, at) => `web-${begun + at + 1}`);
          expect([...made].sort()).toEqual(minutes);
        }),
      ),
      { numRuns: 25 },
    );
  });
});
