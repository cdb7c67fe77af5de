import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isLeaving } from "../../api/object.ts";
import type { Node } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";

/** kube-proxy's ports: its health, which load balancers outside ask every node for, and its mode, for programs on the node. */
export const healthPort = 10256;
export const statusPort = 10249;

/** The autoscaler's mark on a node that is to go (Kubernetes' cluster-autoscaler). */
const toBeDeleted = "ToBeDeletedByClusterAutoscaler";

export interface ProxyHealthOptions {
  readonly node: () => Node | undefined;
  /** Whether the kernel has what Services ask for. */
  readonly isHealthy: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers as kube-proxy does on its two ports. Where another program has one, the other is there all the same. */
export function openProxyHealth(options: ProxyHealthOptions): Disposable {
  const servers = [
    listen({ port: healthPort, answer: healthAnswer(options) }, options.log),
    listen({ port: statusPort, host: "127.0.0.1", answer: statusAnswer }, options.log),
  ];
  return {
    [Symbol.dispose]() {
      for (const server of servers) server.close().closeAllConnections();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly type: "application/json" | "text/plain";
  readonly body: string;
}
type Answering = (path: string) => Answer;

const notFound: Answer = { status: 404, type: "text/plain", body: "404 page not found\n" };
const plain = (body: string): Answer => ({ status: 200, type: "text/plain", body });

/** A node that is to go is not sent anything new (`/healthz`), but its proxy lives (`/livez`). */
export function healthAnswer({ node, isHealthy, clock }: Omit<ProxyHealthOptions, "log">): Answering {
  let healthyAtMs = clock.now();
  return (path) => {
    if (path !== "/healthz" && path !== "/livez") return notFound;
    const currentTime = timeText(clock.now());
    if (isHealthy()) healthyAtMs = clock.now();
    const nodeEligible = isEligible(node());
    const is = isHealthy() && (nodeEligible || path === "/livez");
    const body = {
      lastUpdated: timeText(healthyAtMs),
      currentTime,
      ...(path === "/healthz" && { nodeEligible }),
    };
    return { status: is ? 200 : 503, type: "application/json", body: JSON.stringify(body) };
  };
}

function statusAnswer(path: string): Answer {
  if (path === "/proxyMode") return plain("nftables");
  return path === "/healthz" ? plain("ok") : notFound;
}

const isEligible = (node: Node | undefined): boolean =>
  !node || (!isLeaving(node) && !(node.spec?.taints ?? []).some(({ key }) => key === toBeDeleted));

function listen({ port, host, answer }: { port: number; host?: string; answer: Answering }, log: Log): Server {
  const server = createServer(({ url = "/" }: IncomingMessage, response: ServerResponse) => {
    const { status, type, body } = answer(url.split("?")[0] ?? "/");
    response.writeHead(status, { "Content-Type": type, "X-Content-Type-Options": "nosniff" });
    response.end(body);
  });
  server.on("error", (error) => log.warn("a port of kube-proxy's could not be opened", { port, error }));
  server.listen(port, host);
  server.unref();
  return server;
}
