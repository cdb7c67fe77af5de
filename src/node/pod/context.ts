import type { Node, RuntimeClass, Service } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { Informer } from "../../client/informer.ts";
import type { Allocations } from "../allocations.ts";
import type { PodCgroups } from "../cgroups.ts";
import type { EventRecorder } from "../event-recorder.ts";
import type { ImagePuller } from "../images/puller.ts";
import type { DnsSettings, PodNetwork } from "../pod-network.ts";
import type { ProbeCounts } from "../probes/counts.ts";
import type { ContainerRuntime } from "../runtime.ts";
import type { MirrorPods } from "../static-pods/mirror-pods.ts";
import type { Turns } from "../turns.ts";
import type { WatchedObjects } from "../volumes/referenced-objects.ts";
import type { ServiceAccountTokens } from "../volumes/tokens.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { PodAddressing } from "./downward.ts";

/** What all pod workers of a node share. */
export interface PodContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly volumes: Volumes;
  readonly objects: WatchedObjects;
  readonly tokens: ServiceAccountTokens;
  readonly images: ImagePuller;
  readonly events: EventRecorder;
  readonly cgroups: PodCgroups;
  readonly turns: Turns;
  readonly allocations: Allocations;
  readonly probeCounts: ProbeCounts;
  readonly mirrors: MirrorPods;
  /** What of the machine runs out: names of conditions. */
  readonly pressure: () => ReadonlySet<string>;
  readonly services: Informer<Service>;
  readonly runtimeClasses: Informer<RuntimeClass>;
  readonly nodeName: string;
  /** The node as the API last showed it. */
  readonly node: () => Node | undefined;
  readonly hostIps: readonly string[];
  readonly dns: DnsSettings;
  readonly directory: string;
  readonly memoryBytes: number;
  /** Whether the kernel enforces AppArmor profiles. */
  readonly appArmor: boolean;
  readonly allocatable: () => Readonly<Record<string, string>>;
}

/** A pod's addresses and the files by which its containers know names. */
export interface PodNames extends PodAddressing {
  readonly hostsPath: string;
  readonly resolvPath: string;
}
