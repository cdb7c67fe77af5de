import { pipeline } from "node:stream/promises";
import type { Pod } from "../api/schema/types.ts";
import { badRequest, internalError, notFound, StatusError } from "../api/status.ts";
import type { Clock } from "../base/clock.ts";
import type { RunningNode } from "./run.ts";
import type { ContainerRuntime } from "./runtime.ts";
import { type NodeReply, type NodeRequest, sendError, sendJson, sendText } from "./serve/exchange.ts";
import { sendLogs } from "./serve/logs.ts";
import { proxyToPod } from "./serve/proxy.ts";
import { nodeReports } from "./serve/reports.ts";
import { carryStreams } from "./serve/streams.ts";

export type { NodeReply, NodeRequest } from "./serve/exchange.ts";

export interface NodeApiOptions {
  readonly node: RunningNode;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly rootDirectory: string;
}

/** Answers what the API server asks a node, under the kubelet's paths. */
export type NodeApi = (request: NodeRequest, reply: NodeReply) => Promise<void>;

interface Asked {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly reply: NodeReply;
  readonly request: NodeRequest;
}

/**
 * The node's own API: /containerLogs, /exec, /attach, /portForward (framed as api/streams.ts says), /pods, /stats/summary,
 * /metrics (and /resource, /cadvisor, /probes below it), /configz, /runningpods, /logs, /healthz. What goes wrong before the answer has begun is answered with a Status.
 */
export function nodeApi(options: NodeApiOptions): NodeApi {
  const { runtime, clock } = options;
  const { pods } = options.node;
  const reports = nodeReports(options);

  const routes: Record<string, (asked: Asked) => Promise<void>> = {
    healthz: async ({ reply }) => sendText(reply, "ok"),
    pods: async ({ reply }) => sendJson(reply, { kind: "PodList", apiVersion: "v1", metadata: {}, items: pods.list() }),
    containerLogs: async ({ path: [namespace, name, container = ""], query, reply }) =>
      sendLogs({ runtime, clock, pod: find(namespace, name), container, query }, reply),
    exec: async ({ path: [namespace, name, container = ""], query, reply }) => {
      const id = await running(find(namespace, name), container);
      await carryStreams(
        reply,
        await runtime.exec(id, { ...streamsOf(query), command: query.getAll("command") }, reply.signal),
      );
    },
    attach: async ({ path: [namespace, name, container = ""], query, reply }) => {
      const id = await running(find(namespace, name), container);
      await carryStreams(reply, await runtime.attach(id, streamsOf(query), reply.signal));
    },
    portForward: async ({ path: [namespace, name], query, reply }) => {
      const pod = find(namespace, name);
      const [sandbox] = (await runtime.list(pod.metadata.uid)).sandboxes;
      if (sandbox?.state !== "ready") throw badRequest(`pod ${name} is not running`);
      const connection = await runtime.portForward(sandbox.id, Number(query.get("port")), reply.signal);
      reply.respond(200, { "content-type": "application/octet-stream" });
      const { stream, signal } = reply;
      await Promise.all([pipeline(stream, connection, { signal }), pipeline(connection, stream, { signal })]);
    },
    podProxy: async ({ path: [namespace, name, scheme, port], request, reply }) => {
      // What follows the port goes on as it came: its escapes are the pod's business.
      const path = `/${request.path.split("/").slice(6).join("/")}`;
      const target = { scheme: scheme === "https" ? "https" : "http", port: Number(port), path } as const;
      await proxyToPod({ pod: find(namespace, name), target, request }, reply);
    },
    stats: ({ path, reply }) => reports.stats(path, reply),
    metrics: ({ path, reply }) => reports.metrics(path, reply),
    configz: async ({ reply }) => reports.configz(reply),
    runningpods: ({ reply }) => reports.runningPods(reply),
    logs: ({ path, reply }) => reports.logs(path, reply),
  };

  function find(namespace = "", name = ""): Pod {
    const pod = pods.get(namespace, name);
    if (!pod) throw new StatusError("NotFound", `pod "${name}_${namespace}" not found`);
    return pod;
  }

  async function running(pod: Pod, container: string): Promise<string> {
    const { containers } = await runtime.list(pod.metadata.uid);
    const found = containers.find(({ name }) => name === container);
    if (found?.state === "running") return found.id;
    throw badRequest(found ? `container ${container} is not running` : `container not found ("${container}")`);
  }

  return async (request, reply) => {
    let answered = false;
    const once: NodeReply = {
      stream: reply.stream,
      signal: reply.signal,
      respond(status, headers) {
        answered = true;
        reply.respond(status, headers);
      },
    };
    const url = new URL(request.path, "http://node");
    const [first = "", ...path] = url.pathname.split("/").slice(1).map(decodeURIComponent);
    try {
      const route = routes[first];
      if (!route) throw notFound({ group: "", plural: "paths" }, url.pathname);
      await route({ path, query: url.searchParams, reply: once, request });
    } catch (error) {
      if (answered) reply.stream.destroy(error as Error);
      else sendError(once, error instanceof StatusError ? error : internalError((error as Error).message));
    }
  };
}

function streamsOf(query: URLSearchParams) {
  const has = (name: string) => query.get(name) === "1" || query.get(name) === "true";
  const tty = has("tty");
  return { stdin: has("input"), stdout: has("output"), stderr: has("error") && !tty, tty };
}
