import type { Node, Pod, PodSpec } from "../../api/schema/types.ts";
import { nothingToLookUp, type ObjectLookup } from "../objects.ts";
import { allPlugins, type PluginArguments } from "../plugins/all.ts";
import { type PodInfo, podInfoFrom } from "../pod-info.ts";
import { fullProfile, type Profile } from "../profile.ts";
import { Snapshot } from "../snapshot.ts";

export interface NodeSeed {
  name?: string;
  cpu?: string;
  memory?: string;
  pods?: string;
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: string }[];
  unschedulable?: boolean;
}

/** A node with 4 cores, 8 GiB and room for 110 pods. */
export function aNode({
  name = "n1",
  cpu = "4",
  memory = "8Gi",
  pods = "110",
  labels = {},
  ...spec
}: NodeSeed = {}): Node {
  const allocatable = { cpu, memory, pods };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
    spec,
    status: { allocatable, capacity: allocatable },
  };
}

export type PodSeed = Partial<PodSpec> & {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  cpu?: string;
  memory?: string;
  hostPort?: number;
};

/** A pod that asks for nothing. */
export function aPod({
  name = "web",
  namespace = "default",
  labels = {},
  cpu,
  memory,
  hostPort,
  ...spec
}: PodSeed = {}): Pod {
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) };
  const ports = hostPort ? [{ containerPort: 80, hostPort, protocol: "TCP" }] : [];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels, uid: `uid-of-${name}`, generation: 1 },
    spec: {
      containers: [{ name: "app", image: "app:1", resources: { requests }, ports }],
      schedulerName: "default-scheduler",
      ...spec,
    },
    status: { phase: "Pending" },
  };
}

/** A cluster of these nodes, with these pods on them. */
export function aCluster(nodes: readonly Node[], placed: readonly { on: string; pod: PodSeed }[] = []): Snapshot {
  const cluster = new Snapshot(() => ({}));
  for (const node of nodes) cluster.setNode(node);
  for (const { on, pod } of placed) cluster.place(aPodInfo(pod), on);
  return cluster;
}

export const aPodInfo = (seed: PodSeed = {}): PodInfo => podInfoFrom(aPod(seed));

/** The profile with every plugin, in a cluster that holds these objects beside nodes and pods. */
export function aProfile({ objects = {}, settings = {} }: ProfileSeed = {}): Profile {
  const bindVolumes = async () => undefined;
  const plugins = allPlugins({ objects: { ...nothingToLookUp, ...objects }, bindVolumes, settings });
  return fullProfile("default-scheduler", plugins);
}

interface ProfileSeed {
  objects?: Partial<ObjectLookup>;
  settings?: PluginArguments;
}
