import { createServer, type Server } from "node:http";
import type { Log } from "../../base/log.ts";

/** What a load balancer outside asks about: a Service with `healthCheckNodePort`, and how many endpoints this node has. */
export interface HealthCheck {
  readonly port: number;
  readonly namespace: string;
  readonly name: string;
  readonly localEndpoints: number;
}

/** Answers on the health check ports of Services; has a server only where there is such a Service. */
export class HealthCheckServers implements AsyncDisposable {
  readonly #log: Log;
  readonly #open = new Map<number, { check: HealthCheck; server: Server }>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Makes the servers those of the list. */
  keep(checks: readonly HealthCheck[]): void {
    const wanted = new Map(checks.map((check) => [check.port, check]));
    for (const [port, { server }] of this.#open) {
      if (wanted.has(port)) continue;
      server.close();
      this.#open.delete(port);
    }
    for (const check of wanted.values()) {
      const open = this.#open.get(check.port);
      if (open) open.check = check;
      else this.#open.set(check.port, { check, server: this.#serve(check) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keep([]);
  }

  #serve({ port, namespace, name }: HealthCheck): Server {
    const server = createServer((_, response) => {
      const check = this.#open.get(port)?.check;
      const localEndpoints = check?.localEndpoints ?? 0;
      // The form of kube-proxy's answer: load balancers of clouds read it.
      const body = {
        service: { namespace: check?.namespace, name: check?.name },
        localEndpoints,
        serviceProxyHealthy: true,
      };
      response.writeHead(localEndpoints > 0 ? 200 : 503, {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "X-Load-Balancing-Endpoint-Weight": String(localEndpoints),
      });
      response.end(JSON.stringify(body));
    });
    server.on("error", (error) => {
      this.#log.warn("the health check port of a Service could not be opened", {
        service: `${namespace}/${name}`,
        error,
      });
    });
    server.listen(port);
    server.unref();
    return server;
  }
}
