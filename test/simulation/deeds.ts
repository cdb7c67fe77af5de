import type { Kind } from "../../src/api/kind.ts";
import { daemonSet } from "../../src/api/kinds/apps/daemon-set.ts";
import { deployment } from "../../src/api/kinds/apps/deployment.ts";
import { statefulSet } from "../../src/api/kinds/apps/stateful-set.ts";
import { job } from "../../src/api/kinds/batch/job.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { service } from "../../src/api/kinds/core/service.ts";
import { type KubeObject, keyOf, type ObjectMeta } from "../../src/api/object.ts";
import type { DaemonSet, Deployment, StatefulSet } from "../../src/api/schema/types.ts";
import type { Simulation } from "./simulation.ts";

/** Something that happens to a cluster: what its users do, and what befalls it. */
export interface Deed {
  readonly name: string;
  /** How often it happens beside the others. */
  readonly weight: number;
  /** Whether users may see fewer pods than they asked for because of it. */
  readonly disturbs?: boolean;
  /** What it was done to, for the story; undefined when there was nothing to do. */
  do(simulation: Simulation): Promise<string | undefined>;
}

const namespace = "default";
const image = (version: number) => `image:${version}`;

function template(app: string, version: number, more: object = {}) {
  const resources = { requests: { cpu: "100m" } };
  return {
    metadata: { labels: { app } } as unknown as ObjectMeta,
    spec: { containers: [{ name: "c", image: image(version), resources }], ...more },
  };
}

/** Of a kind, one that is there now. */
async function one<T extends KubeObject>({ user, chance }: Simulation, kind: Kind<T>): Promise<T | undefined> {
  return chance.pick(
    (await user.list(kind, { namespace })).items.filter(({ metadata }) => !metadata.deletionTimestamp),
  );
}

/** Changes one object of a kind as somebody with an editor does. */
function edits<T extends KubeObject>(kind: Kind<T>, edit: (object: T, simulation: Simulation) => T) {
  return async (simulation: Simulation): Promise<string | undefined> => {
    const found = await one(simulation, kind);
    if (!found) return undefined;
    await simulation.user.update(kind, edit(found, simulation));
    return found.metadata.name;
  };
}

function removes<T extends KubeObject>(kind: Kind<T>) {
  return async (simulation: Simulation): Promise<string | undefined> => {
    const found = await one(simulation, kind);
    const propagationPolicy = simulation.chance.pick(["Background", "Foreground"] as const) ?? "Background";
    if (found) await simulation.user.delete(kind, keyOf(found), { propagationPolicy });
    return found?.metadata.name;
  };
}

type Templated = Deployment | StatefulSet | DaemonSet;
const withImage = <T extends Templated>(object: T, version: number): T => ({
  ...object,
  spec: { ...object.spec, template: { ...object.spec.template, ...template(object.metadata.name, version) } },
});
const scaled = <T extends Deployment | StatefulSet>(object: T, replicas: number): T => ({
  ...object,
  spec: { ...object.spec, replicas },
});

export const deeds: readonly Deed[] = [
  {
    name: "create a Deployment",
    weight: 3,
    async do({ user, chance, nextName }) {
      const name = nextName("deployment");
      const rollingUpdate = {
        maxSurge: chance.pick([0, 1, 2, "25%", "50%"]) ?? 1,
        maxUnavailable: chance.pick([1, 2, "25%"]) ?? 1,
      };
      const strategy = chance.happens(0.2) ? { type: "Recreate" } : { type: "RollingUpdate", rollingUpdate };
      const spec = { replicas: chance.between(0, 6), selector: { matchLabels: { app: name } }, strategy };
      const made = { metadata: { name, namespace }, spec: { ...spec, template: template(name, 1) } };
      await user.create(deployment, made);
      await user.create(service, {
        metadata: { name, namespace },
        spec: { selector: { app: name }, ports: [{ port: 80 }] },
      });
      return name;
    },
  },
  {
    name: "create a StatefulSet",
    weight: 2,
    async do({ user, chance, nextName }) {
      const name = nextName("stateful");
      const podManagementPolicy = chance.pick(["OrderedReady", "Parallel"]) ?? "Parallel";
      const spec = { replicas: chance.between(0, 4), selector: { matchLabels: { app: name } }, podManagementPolicy };
      const made = { ...spec, serviceName: name, template: template(name, 1) };
      await user.create(statefulSet, { metadata: { name, namespace }, spec: made });
      return name;
    },
  },
  {
    name: "create a DaemonSet",
    weight: 1,
    async do({ user, nextName }) {
      const name = nextName("daemon");
      const spec = { selector: { matchLabels: { app: name } }, template: template(name, 1) };
      await user.create(daemonSet, { metadata: { name, namespace }, spec });
      return name;
    },
  },
  {
    name: "create a Job",
    weight: 2,
    async do({ user, chance, nextName }) {
      const name = nextName("job");
      const completions = chance.between(1, 6);
      const completionMode = chance.pick(["Indexed", "NonIndexed"]) ?? "Indexed";
      const restartPolicy = chance.pick(["Never", "OnFailure"]) ?? "Never";
      const spec = { completions, parallelism: chance.between(1, 4), backoffLimit: 50, completionMode };
      const made = { ...spec, template: template(name, 1, { restartPolicy }) };
      await user.create(job, { metadata: { name, namespace }, spec: made });
      return name;
    },
  },
  {
    name: "set a Deployment's image",
    weight: 5,
    do: edits(deployment, (object, { chance }) => withImage(object, chance.between(1, 4))),
  },
  {
    name: "set a StatefulSet's image",
    weight: 3,
    do: edits(statefulSet, (object, { chance }) => withImage(object, chance.between(1, 4))),
  },
  {
    name: "set a DaemonSet's image",
    weight: 1,
    do: edits(daemonSet, (object, { chance }) => withImage(object, chance.between(1, 4))),
  },
  {
    name: "scale a Deployment",
    weight: 4,
    disturbs: true,
    do: edits(deployment, (object, { chance }) => scaled(object, chance.between(0, 8))),
  },
  {
    name: "scale a StatefulSet",
    weight: 3,
    disturbs: true,
    do: edits(statefulSet, (object, { chance }) => scaled(object, chance.between(0, 5))),
  },
  {
    name: "pause or resume a Deployment",
    weight: 1,
    do: edits(deployment, (object) => ({ ...object, spec: { ...object.spec, paused: !object.spec.paused } })),
  },
  { name: "delete a Deployment", weight: 1, disturbs: true, do: removes(deployment) },
  { name: "delete a StatefulSet", weight: 1, disturbs: true, do: removes(statefulSet) },
  { name: "delete a Job", weight: 1, disturbs: true, do: removes(job) },
  { name: "delete a pod", weight: 3, disturbs: true, do: removes(pod) },
  {
    name: "a program ends",
    weight: 8,
    disturbs: true,
    async do({ chance, devices }) {
      const device = chance.pick(devices);
      const container = chance.pick(device?.containers.filter(({ state }) => state === "running") ?? []);
      if (!device || !container) return undefined;
      const exitCode = chance.happens(0.7) ? 0 : 1;
      device.change(container, { state: "exited", ready: false, exitCode });
      return `${container.pod} with ${exitCode}`;
    },
  },
  {
    name: "a readiness probe changes its mind",
    weight: 3,
    disturbs: true,
    async do({ chance, devices }) {
      const device = chance.pick(devices);
      const container = chance.pick(device?.containers.filter(({ state }) => state === "running") ?? []);
      if (!device || !container) return undefined;
      device.change(container, { ready: !container.ready });
      return container.pod;
    },
  },
  {
    name: "kill the server",
    weight: 3,
    async do({ cluster }) {
      await cluster.kill();
      await cluster.start();
      return "";
    },
  },
  {
    name: "kill the server between two writes",
    weight: 3,
    async do({ cluster, chance, pass }) {
      cluster.disk.writeMs = 40;
      await pass(chance.between(1, 400));
      await cluster.kill();
      cluster.disk.writeMs = 1;
      await pass(chance.between(0, 20_000));
      await cluster.start();
      return "";
    },
  },
  {
    name: "pull or plug a device's cable",
    weight: 2,
    disturbs: true,
    async do({ chance, devices }) {
      const device = chance.pick(devices);
      if (device?.isCutOff) device.heal();
      else device?.cutOff();
      return device && `${device.name} ${device.isCutOff ? "off" : "on"}`;
    },
  },
  {
    name: "the disk stalls",
    weight: 1,
    async do({ clock, cluster, pass, chance }) {
      const ms = chance.between(100, 30_000);
      cluster.disk.stalledUntilMs = clock.now() + ms;
      await pass(ms);
      return `for ${ms} ms`;
    },
  },
  {
    name: "the disk crawls",
    weight: 1,
    // A heartbeat waits for the write under way and for the next: with half a minute for each, nodes may be given up.
    disturbs: true,
    async do({ cluster, pass, chance }) {
      cluster.disk.writeMs = chance.between(100, 30_000);
      await pass(30_000);
      cluster.disk.writeMs = 1;
      return "";
    },
  },
  {
    name: "the disk is full for a while",
    weight: 1,
    async do({ cluster, pass, chance }) {
      cluster.disk.full = true;
      await pass(chance.between(100, 20_000));
      cluster.disk.full = false;
      return "";
    },
  },
  {
    name: "requests and watches get lost for a while",
    weight: 2,
    async do({ cluster, pass, chance }) {
      cluster.lossShare = 0.2;
      await pass(chance.between(100, 20_000));
      cluster.lossShare = 0;
      return "";
    },
  },
  {
    name: "time passes",
    weight: 12,
    async do({ pass, chance }) {
      const ms = chance.pick([10, 100, 1000, 5000, 30_000, 120_000]) ?? 1000;
      await pass(ms);
      return `${ms} ms`;
    },
  },
];
