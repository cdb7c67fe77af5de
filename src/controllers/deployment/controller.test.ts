import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deployment } from "../../api/kinds/apps/deployment.ts";
import { replicaSet } from "../../api/kinds/apps/replica-set.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import type { Deployment, DeploymentSpec } from "../../api/schema/types.ts";
import { forbidden } from "../../api/status.ts";
import { replicaSetController } from "../replicaset/controller.ts";
import { aWorld, type World } from "../testing/world.ts";
import { deploymentController } from "./controller.ts";

const key = { namespace: "default", name: "web" };
const template = (image: string) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "app", image }] },
});

describe("a Deployment", () => {
  let world: World;
  const create = (spec: Partial<DeploymentSpec> = {}) =>
    world.client.create(deployment, {
      metadata: key,
      spec: {
        replicas: 4,
        selector: { matchLabels: { app: "web" } },
        template: template("app:1") as never,
        progressDeadlineSeconds: 600,
        revisionHistoryLimit: 10,
        ...spec,
      },
    });
  const current = (): Promise<Deployment> => world.client.get(deployment, key);
  const change = (spec: Partial<DeploymentSpec>) =>
    world.client.patch(deployment, key, { type: "merge", document: { spec } });
  const progressing = async () =>
    (await current()).status?.conditions?.find(({ type }) => type === "Progressing")?.reason;
  const settles = (replicas: number) =>
    vi.waitFor(async () => {
      const { status, metadata } = await current();
      expect(status).toMatchObject({
        replicas,
        updatedReplicas: replicas,
        availableReplicas: replicas,
        observedGeneration: metadata.generation,
      });
      expect(await progressing()).toBe("NewReplicaSetAvailable");
    });
  /** The events about scaling, with ReplicaSets numbered by age. */
  const scalings = async () => {
    const sets = (await world.all(replicaSet)).map(({ metadata }) => metadata.name);
    const texts = (await world.events()).filter((text) => text.startsWith("ScalingReplicaSet"));
    return texts.map((text) => {
      const [, direction, name = "", from, to] = /Scaled (\w+) replica set (\S+) from (\d+) to (\d+)/.exec(text) ?? [];
      return `${sets.indexOf(name) + 1} ${direction} ${from} ${to}`;
    });
  };

  beforeEach(async () => {
    world = await aWorld([deploymentController, replicaSetController]);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  test("comes up, scales and says so", async () => {
    await create();
    await settles(4);
    await change({ replicas: 6 });
    await settles(6);
    await change({ replicas: 1 });
    await settles(1);
    expect(await scalings()).toEqual(["1 up 0 4", "1 up 4 6", "1 down 6 1"]);
    expect((await current()).metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "1" });
  });

  test("rolls in the steps that Kubernetes takes", async () => {
    await create();
    await settles(4);
    await change({ template: template("app:2") as never });
    await settles(4);
    const steps = await scalings();
    expect(steps.slice(0, 4)).toEqual(["1 up 0 4", "2 up 0 1", "1 down 4 3", "2 up 1 2"]);
    expect(steps.at(-1)).toBe("1 down 1 0");
    expect((await world.all(pod)).every(({ spec }) => spec?.containers[0]?.image === "app:2")).toBe(true);
  });

  test("takes an old ReplicaSet up again and remembers its numbers", async () => {
    await create();
    await settles(4);
    await change({ template: template("app:2") as never });
    await settles(4);
    await change({ template: template("app:1") as never });
    await settles(4);
    const sets = await world.all(replicaSet);
    expect(sets).toHaveLength(2);
    expect(sets[0]?.metadata.annotations).toMatchObject({
      "deployment.kubernetes.io/revision": "3",
      "deployment.kubernetes.io/revision-history": "1",
    });
  });

  test("waits while it is paused, and goes on where it is then", async () => {
    await create({ replicas: 2 });
    await settles(2);
    await change({ paused: true, template: template("app:2") as never });
    await vi.waitFor(async () => expect(await progressing()).toBe("DeploymentPaused"));
    await change({ template: template("app:3") as never });
    await change({ paused: false });
    await settles(2);
    expect(await world.all(replicaSet)).toHaveLength(2);
  });

  test("with Recreate starts nothing new before the last old pod has ended", async () => {
    await create({ replicas: 2, strategy: { type: "Recreate" } });
    await settles(2);
    world.hold(/^web-/);
    await change({ template: template("app:2") as never });
    await vi.waitFor(async () =>
      expect((await world.all(pod)).filter(({ metadata }) => metadata.deletionTimestamp)).toHaveLength(2),
    );
    expect(await world.all(replicaSet)).toHaveLength(1);
    world.hold(/^nothing$/);
    for (const { metadata } of await world.all(pod))
      await world.client.delete(pod, { namespace: "default", name: metadata.name }, { gracePeriodSeconds: 0 });
    await settles(2);
    expect(await scalings()).toEqual(["1 up 0 2", "1 down 2 0", "2 up 0 2"]);
  });

  test("says after the deadline that it is stuck, and not before", async () => {
    await create({ replicas: 1, progressDeadlineSeconds: 10 });
    await settles(1);
    world.hold(/^web-/);
    await change({ template: template("app:2") as never });
    await vi.waitFor(async () => expect(await world.all(pod)).toHaveLength(2));
    await world.clock.advance(9000);
    expect(await progressing()).toBe("ReplicaSetUpdated");
    await world.clock.advance(3000);
    await vi.waitFor(async () => expect(await progressing()).toBe("ProgressDeadlineExceeded"));
  });

  test("keeps as many old ReplicaSets as it was told", async () => {
    await create({ replicas: 1, revisionHistoryLimit: 1 });
    for (const image of ["app:2", "app:3", "app:4"]) {
      await settles(1);
      await change({ template: template(image) as never });
    }
    await settles(1);
    await vi.waitFor(async () => expect(await world.all(replicaSet)).toHaveLength(2));
  });

  test("takes in what it left behind when it was deleted and made again", async () => {
    await create({ replicas: 1 });
    await settles(1);
    const [first] = await world.all(replicaSet);
    await world.client.delete(deployment, key);
    const { ownerReferences: _, ...metadata } = first?.metadata ?? { name: "" };
    await world.client.update(replicaSet, { ...first, metadata } as never);
    await create({ replicas: 1 });
    await settles(1);
    expect((await world.all(replicaSet)).map(({ metadata }) => metadata.uid)).toEqual([first?.metadata.uid]);
  });

  test("makes another name for its ReplicaSet when something else has it", async () => {
    await create({ replicas: 1 });
    await settles(1);
    const [made] = await world.all(replicaSet);
    await world.client.delete(deployment, key);
    await world.client.delete(replicaSet, { ...key, name: made?.metadata.name ?? "" });
    const { name = "" } = made?.metadata ?? {};
    const labels = { other: "app" };
    const spec = {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: made?.spec.template?.spec },
    };
    await world.client.create(replicaSet, { metadata: { ...key, name }, spec } as never);
    await create({ replicas: 1 });
    await settles(1);
    expect((await current()).status?.collisionCount).toBe(1);
    expect((await world.all(replicaSet)).map(({ spec }) => spec.replicas).sort()).toEqual([0, 1]);
  });

  test("takes a ReplicaSet for its own that it made and has not seen yet", async () => {
    world.transport.intercept = async ({ verb, resource, body }) => {
      if (verb !== "create" || resource !== "replicasets") return;
      world.transport.intercept = undefined;
      await world.client.create(replicaSet, body as never);
    };
    await create({ replicas: 1 });
    await settles(1);
    expect((await current()).status?.collisionCount).toBeUndefined();
    expect(await world.all(replicaSet)).toHaveLength(1);
  });

  test("says so when its ReplicaSet is refused, and goes on when it is not any more", async () => {
    let refuses = true;
    world.transport.intercept = ({ verb, resource }) => {
      if (refuses && verb === "create" && resource === "replicasets")
        throw forbidden({ group: "apps", plural: resource }, "web", "exceeded quota: few");
    };
    await create({ replicas: 1 });
    await vi.waitFor(async () => expect(await progressing()).toBe("ReplicaSetCreateError"));
    expect((await world.events())[0]).toMatch(
      /^ReplicaSetCreateError: Failed to create new replica set "web-\w+": .*exceeded quota: few$/,
    );
    refuses = false;
    await world.clock.advance(10_000);
    await settles(1);
  });

  test("has no deadline when that is the greatest number", async () => {
    await create({ replicas: 1, progressDeadlineSeconds: 2147483647 });
    await vi.waitFor(async () => expect((await current()).status?.availableReplicas).toBe(1));
    expect(await progressing()).toBeUndefined();
  });
});
