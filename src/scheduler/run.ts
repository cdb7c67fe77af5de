import { namespace } from "../api/kinds/core/namespace.ts";
import { node } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { podDisruptionBudget } from "../api/kinds/policy/pod-disruption-budget.ts";
import type { Pod } from "../api/schema/types.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { type EventRecorder, openEventRecorder } from "../client/events.ts";
import type { Informers } from "../client/informer.ts";
import { bindVolumes } from "./bind-volumes.ts";
import { followCluster } from "./changes.ts";
import { type Configuration, defaultConfiguration } from "./configuration.ts";
import { SchedulerMetrics } from "./metrics.ts";
import { Nominations } from "./nominations.ts";
import { watchObjects } from "./objects.ts";
import { openOutcomes } from "./outcomes.ts";
import { Placing } from "./placing.ts";
import { ownChangeMayHelp, type Profile, profileMayHelp, schedulerNameOf } from "./profile.ts";
import { SchedulingQueue } from "./queue.ts";
import { Snapshot } from "./snapshot.ts";
import { Stretches } from "./stretches.ts";

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  /** Pods that name a scheduler without a profile here are left alone. One with every plugin unless said. */
  readonly configuration?: Configuration;
  readonly random?: () => number;
  /** Where its tries are counted. */
  readonly metrics?: SchedulerMetrics;
}

/** Gives every pod a node. Resolves when it has seen the cluster; disposing stops it. */
export async function runScheduler(options: SchedulerOptions): Promise<Disposable> {
  const { client, informers, clock, configuration = defaultConfiguration, random = Math.random } = options;
  const { metrics = new SchedulerMetrics(clock) } = options;
  const log = options.log.part("scheduler");
  const [pods, budgets] = [informers.of(pod), informers.of(podDisruptionBudget)];
  const namespaces = informers.of(namespace);
  const objects = watchObjects(informers);
  await Promise.all([...[pods, informers.of(node), namespaces, budgets].map(({ synced }) => synced), objects.synced]);

  const stop = new AbortController();
  const profiles = new Map<string, Profile>();
  for (const make of configuration.profiles) {
    const profile = make({
      objects: objects.lookup,
      bindVolumes: (choice, nodeName, signal) => bindVolumes(choice, nodeName, { client, informers, clock, signal }),
    });
    profiles.set(profile.schedulerName, profile);
  }
  const profileOf = (of: Pod): Profile | undefined => profiles.get(schedulerNameOf(of));
  const queue = new SchedulingQueue({
    clock,
    waits: configuration.waits,
    wake: () => stretches.wake(),
    ownChangeMayHelp(before, after, rejectedBy) {
      const profile = profileOf(after.pod);
      return profile !== undefined && ownChangeMayHelp(profile, { before, after, rejectedBy });
    },
    mayHelp(info, rejectedBy, change) {
      const profile = profileOf(info.pod);
      return profile !== undefined && profileMayHelp(profile, { pod: info, rejectedBy, change });
    },
  });
  metrics.pending = () => queue.counts();

  const cluster = new Snapshot((name) => namespaces.get({ name })?.metadata.labels);
  const nominations = new Nominations();
  const recorders = openRecorders((component) => openEventRecorder({ client, clock, log, component }));
  const outcomes = openOutcomes({ client, clock, log, events: recorders.of });
  const { extenders } = configuration;
  const shared = { cluster, queue, nominations };
  const parts = { ...shared, outcomes, extenders, metrics, pods, budgets, profileOf, random, log };
  const placing = new Placing({ ...parts, stop: stop.signal });
  const stretches = new Stretches(() => {
    const next = queue.take();
    if (!next) return false;
    return placing.place(next)?.then(() => true) ?? true;
  }, stop.signal);
  const isOurs = (object: Pod): boolean => placing.isOurs(object);
  const following = followCluster({ ...shared, informers, objects, binding: placing.binding, isOurs });

  return {
    [Symbol.dispose]() {
      stop.abort();
      following[Symbol.dispose]();
      queue[Symbol.dispose]();
      recorders[Symbol.dispose]();
    },
  };
}

/** One recorder of Events for each scheduler that a profile is. */
function openRecorders(
  open: (component: string) => EventRecorder,
): Disposable & { readonly of: (component: string) => EventRecorder } {
  const known = new Map<string, EventRecorder>();
  return {
    of(component) {
      const recorder = known.get(component) ?? open(component);
      known.set(component, recorder);
      return recorder;
    },
    [Symbol.dispose]() {
      for (const recorder of known.values()) recorder[Symbol.dispose]();
    },
  };
}
