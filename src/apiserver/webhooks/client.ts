import type { ClientRequest } from "node:http";
import https from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { WebhookClientConfig } from "../../api/schema/types.ts";
import { messageOf } from "../../base/log.ts";
import { timeLimit } from "../../base/time-limit.ts";
import type { Store } from "../../store/contract.ts";
import { type Place, placeOf, requestTo } from "../aggregate/reach.ts";
import type { NodeDialer } from "../node-dialer.ts";

const mostAnswerBytes = 8 * 1024 * 1024;
const idleMs = 30_000;

/** Sends reviews to webhooks: at a URL, or behind a Service, wherever its pods run. */
export class WebhookClient implements Disposable {
  readonly #store: Store;
  readonly #nodes: NodeDialer;
  /** Connections that are kept open for the next review. */
  readonly #agent = new https.Agent({ keepAlive: true, timeout: idleMs });

  constructor(store: Store, nodes: NodeDialer) {
    this.#store = store;
    this.#nodes = nodes;
  }

  /**
   * Sends a review and returns what came back, as JSON.
   * @throws {Error} that says what went wrong as Kubernetes does
   */
  async call(config: WebhookClientConfig, review: unknown, timeoutSeconds: number): Promise<unknown> {
    const url = urlOf(config);
    url.searchParams.set("timeout", `${timeoutSeconds}s`);
    try {
      const bytes = await this.#post(config, url, Buffer.from(JSON.stringify(review)), timeoutSeconds);
      return JSON.parse(bytes.toString());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // A Service's port is said even where it is the usual one.
      const shown = config.service && url.port === "" ? url.href.replace(url.host, `${url.host}:443`) : url.href;
      throw new Error(`Post ${JSON.stringify(shown)}: ${why}`, { cause: error });
    }
  }

  async #post(config: WebhookClientConfig, url: URL, body: Buffer, timeoutSeconds: number): Promise<Buffer> {
    const place = this.#placeOf(config, url);
    using limit = timeLimit(timeoutSeconds * 1000);
    const { signal } = limit;
    const tls: ConnectionOptions = {
      servername: /^[\d.]+$|:/.test(url.hostname) ? "" : url.hostname,
      ...(config.caBundle && { ca: Buffer.from(config.caBundle, "base64") }),
    };
    const headers = {
      host: url.host,
      "content-type": "application/json",
      accept: "application/json",
      "content-length": body.length,
      "user-agent": "kube-apiserver-admission",
    };
    const request = { method: "POST", path: url.pathname + url.search, signal, headers };
    for (;;) {
      const asking = requestTo(this.#nodes, place, { request, tls, agent: this.#agent });
      try {
        return await answerTo(asking, body);
      } catch (error) {
        if (signal.aborted) throw new Error("context deadline exceeded", { cause: error });
        // A kept connection is closed whenever the webhook wants, also while a review is on its way over it.
        if (!asking.reusedSocket || !isClosed(error)) throw error;
      }
    }
  }

  #placeOf({ service }: WebhookClientConfig, url: URL): Place {
    if (!service) {
      const host = url.hostname.replace(/^\[|\]$/g, "");
      return { sort: "address", host, port: Number(url.port || 443) };
    }
    const name = JSON.stringify(service.name);
    if (!this.#store.latest(`/services/${service.namespace}/${service.name}`))
      throw new Error(`service ${name} not found`);
    const place = placeOf(this.#store, this.#nodes, service);
    if (!place) throw new Error(`no endpoints available for service ${name}`);
    return place;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function answerTo(request: ClientRequest, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > mostAnswerBytes) request.destroy(new Error("the webhook's answer is too large"));
      });
      response.on("error", (error) => reject(new Error(messageOf(error), { cause: error })));
      response.on("end", () => {
        const bytes = Buffer.concat(parts);
        if (response.statusCode === 200) resolve(bytes);
        else reject(refused(bytes));
      });
    });
    request.end(body);
  });
}

function isClosed(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE";
}

const longestShown = 200;

function refused(bytes: Buffer): Error {
  const shown = JSON.stringify(bytes.toString().slice(0, longestShown));
  return new Error(`an error on the server (${shown}) has prevented the request from succeeding`);
}

function urlOf({ url, service }: WebhookClientConfig): URL {
  if (!service) return new URL(url ?? "");
  const { name, namespace, port = 443, path = "" } = service;
  const whole = new URL(`https://${name}.${namespace}.svc`);
  whole.port = String(port);
  whole.pathname = path;
  return whole;
}
