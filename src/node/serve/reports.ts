import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { notFound } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import { ifAbsent } from "../../base/files.ts";
import { type Metric, prometheusText } from "../../base/metrics.ts";
import { processMetrics } from "../../base/process-metrics.ts";
import type { RunningNode } from "../run.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { collectUsage } from "../stats/collect.ts";
import { machineUsage, RateMemory, summary } from "../stats/report.ts";
import { cadvisorMetrics, resourceMetrics } from "../stats/resource-metrics.ts";
import type { VolumeUsage } from "../volumes/usage.ts";
import { type NodeReply, sendJson, sendText } from "./exchange.ts";

export interface ReportOptions {
  readonly node: Pick<RunningNode, "name" | "pods" | "dns" | "probeCounts" | "machine" | "volumeUsage">;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly rootDirectory: string;
}

const logDirectory = "/var/log";

/** What a node tells of itself, under the kubelet's paths: statistics, metrics, its configuration, the machine's logs. */
export function nodeReports({ node, runtime, clock, rootDirectory }: ReportOptions) {
  const rates = new RateMemory();

  async function usage() {
    const nowMs = clock.now();
    const [pods, machine] = await Promise.all([collectUsage(runtime, nowMs), machineUsage(nowMs)]);
    return { pods, machine, nowMs };
  }

  const metrics: Record<string, () => Promise<string> | string> = {
    "": ownMetrics,
    resource: async () => resourceMetrics(await usage()),
    cadvisor: async () => cadvisorMetrics(await usage()),
    probes: () => prometheusText([node.probeCounts.metric()]),
  };

  async function ownMetrics(): Promise<string> {
    const { sandboxes, containers } = await runtime.list();
    const count = (state: string) => containers.filter((each) => each.state === state).length;
    return prometheusText([
      {
        name: "kubelet_running_pods",
        type: "gauge",
        help: "[STABLE] Number of pods that have a running pod sandbox",
        samples: [[{}, sandboxes.filter(({ state }) => state === "ready").length]],
      },
      {
        name: "kubelet_running_containers",
        type: "gauge",
        help: "[STABLE] Number of containers currently running",
        samples: ["created", "running", "exited"].map((state) => [{ container_state: state }, count(state)]),
      },
      {
        name: "kubelet_node_name",
        type: "gauge",
        help: "[ALPHA] The node's name. The count is always 1.",
        samples: [[{ node: node.name }, 1]],
      },
      ...processMetrics(),
      ...(await claimMetrics(node)),
    ]);
  }

  return {
    async stats(path: readonly string[], reply: NodeReply): Promise<void> {
      if (path[0] !== "summary") throw unknown(["stats", ...path]);
      const [{ pods, machine, nowMs }, volumes] = await Promise.all([usage(), volumesOf(node)]);
      const directory = rootDirectory;
      sendJson(reply, await summary({ nodeName: node.name, directory, pods, volumes, machine, rates, nowMs }));
    },

    async metrics(path: readonly string[], reply: NodeReply): Promise<void> {
      const write = metrics[path.join("/")];
      if (!write) throw unknown(["metrics", ...path]);
      sendText(reply, await write());
    },

    /** What of kubelet's configuration holds here. */
    configz(reply: NodeReply): void {
      sendJson(reply, {
        kubeletconfig: {
          kind: "KubeletConfiguration",
          apiVersion: "kubelet.config.k8s.io/v1beta1",
          enableServer: true,
          port: 10250,
          clusterDomain: node.dns.clusterDomain,
          clusterDNS: node.dns.clusterDns,
          maxPods: Number(node.machine.capacity.pods ?? 0),
          cgroupRoot: "/",
          cgroupsPerQOS: true,
          nodeStatusUpdateFrequency: "10s",
          nodeStatusReportFrequency: "5m0s",
          nodeLeaseDurationSeconds: 40,
          imageGCHighThresholdPercent: 85,
          imageGCLowThresholdPercent: 80,
          serializeImagePulls: true,
          containerLogMaxSize: "10Mi",
          containerLogMaxFiles: 5,
          enableSystemLogHandler: true,
        },
      });
    },

    /** The pods whose sandboxes run, whether the API knows them or not. */
    async runningPods(reply: NodeReply): Promise<void> {
      const { sandboxes, containers } = await runtime.list();
      const items = sandboxes
        .filter(({ state }) => state === "ready")
        .map(({ id, namespace, name, podUid: uid }) => ({
          metadata: { name, namespace, uid },
          spec: {
            containers: containers
              .filter((each) => each.sandboxId === id && each.state === "running")
              .map((each) => ({ name: each.name, image: each.image, resources: {} })),
          },
          status: {},
        }));
      sendJson(reply, { kind: "PodList", apiVersion: "v1", metadata: {}, items });
    },

    /** A directory or a file of the machine's logs. */
    async logs(path: readonly string[], reply: NodeReply): Promise<void> {
      const target = await realpath(join(logDirectory, ...path)).catch(ifAbsent);
      const root = await realpath(logDirectory).catch(ifAbsent);
      const isInside = target !== undefined && root !== undefined && (target === root || target.startsWith(`${root}/`));
      const there = isInside ? await stat(target).catch(ifAbsent) : undefined;
      if (!target || !there) throw unknown(["logs", ...path]);
      if (there.isDirectory()) {
        const entries = await readdir(target, { withFileTypes: true });
        const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
        reply.respond(200, { "content-type": "text/html; charset=utf-8" });
        reply.stream.end(
          `<pre>\n${names.map((name) => `<a href="${encodeURI(name)}">${htmlText(name)}</a>\n`).join("")}</pre>\n`,
        );
        return;
      }
      if (!there.isFile()) throw unknown(["logs", ...path]);
      reply.respond(200, { "content-type": "text/plain; charset=utf-8" });
      await pipeline(createReadStream(target), reply.stream, { signal: reply.signal });
    },
  };
}

function unknown(path: readonly string[]) {
  return notFound({ group: "", plural: "paths" }, `/${path.join("/")}`);
}

function htmlText(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

type Filled = Pick<RunningNode, "pods" | "volumeUsage">;

/** By the pod's uid. What cannot be found out of a pod's volumes is left out. */
async function volumesOf(
  { pods, volumeUsage }: Filled,
  which?: { readonly onlyClaimed: boolean },
): Promise<ReadonlyMap<string, readonly VolumeUsage[]>> {
  const all = pods.list();
  const found = await Promise.allSettled(all.map((pod) => volumeUsage(pod, which)));
  return new Map(
    found.map((usage, at) => [all[at]?.metadata.uid ?? "", usage.status === "fulfilled" ? usage.value : []] as const),
  );
}

const claimFigures = [
  ["available_bytes", "availableBytes", "Number of available bytes in the volume"],
  ["capacity_bytes", "capacityBytes", "Capacity in bytes of the volume"],
  ["inodes", "inodes", "Maximum number of inodes in the volume"],
  ["inodes_free", "inodesFree", "Number of free inodes in the volume"],
  ["inodes_used", "inodesUsed", "Number of used inodes in the volume"],
  ["used_bytes", "usedBytes", "Number of used bytes in the volume"],
] as const;

/** How full the volumes behind claims are, each once however many pods use it. */
async function claimMetrics(node: Filled): Promise<readonly Metric[]> {
  const volumes = await volumesOf(node, { onlyClaimed: true });
  const byClaim = new Map<string, { labels: Record<string, string>; usage: VolumeUsage }>();
  for (const { metadata } of node.pods.list())
    for (const usage of volumes.get(metadata.uid ?? "") ?? []) {
      const { namespace = "" } = metadata;
      if (usage.claimName) {
        const labels = { namespace, persistentvolumeclaim: usage.claimName };
        byClaim.set(`${namespace}/${usage.claimName}`, { labels, usage });
      }
    }
  if (byClaim.size === 0) return [];
  return claimFigures.map(([name, figure, help]) => ({
    name: `kubelet_volume_stats_${name}`,
    type: "gauge",
    help: `[ALPHA] ${help}`,
    samples: [...byClaim.values()].map(({ labels, usage }) => [labels, usage[figure]] as const),
  }));
}
