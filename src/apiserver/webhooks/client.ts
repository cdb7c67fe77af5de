import https from "node:https";
import type { WebhookClientConfig } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { addressOfService } from "./service-address.ts";

const mostAnswerBytes = 8 * 1024 * 1024;
const idleMs = 30_000;

/** Sends reviews to webhooks, over connections that stay open for a while. */
export class WebhookClient implements Disposable {
  readonly #store: Store;
  readonly #agent = new https.Agent({ keepAlive: true, timeout: idleMs });

  constructor(store: Store) {
    this.#store = store;
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
      throw new Error(`Post ${JSON.stringify(url.href)}: ${why}`, { cause: error });
    }
  }

  #post({ service, caBundle }: WebhookClientConfig, url: URL, body: Buffer, timeoutSeconds: number): Promise<Buffer> {
    const target = service
      ? addressOfService(this.#store, {
          namespace: service.namespace ?? "",
          name: service.name ?? "",
          port: service.port ?? 443,
        })
      : { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 443) };
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          agent: this.#agent,
          method: "POST",
          host: target.host,
          port: target.port,
          path: url.pathname + url.search,
          servername: /^[\d.]+$|:/.test(url.hostname) ? "" : url.hostname,
          ...(caBundle && { ca: Buffer.from(caBundle, "base64") }),
          headers: {
            host: url.host,
            "content-type": "application/json",
            accept: "application/json",
            "content-length": body.length,
            "user-agent": "kube-apiserver-admission",
          },
          signal,
        },
        (response) => {
          const parts: Buffer[] = [];
          let size = 0;
          response.on("data", (part: Buffer) => {
            size += part.length;
            parts.push(part);
            if (size > mostAnswerBytes) request.destroy(new Error("the webhook's answer is too large"));
          });
          response.on("error", reject);
          response.on("end", () => {
            const bytes = Buffer.concat(parts);
            if (response.statusCode === 200) resolve(bytes);
            else
              reject(
                new Error(
                  `an error on the server (${JSON.stringify(bytes.toString().slice(0, 200))}) has prevented the request from succeeding`,
                ),
              );
          });
        },
      );
      request.on("error", (error) => reject(signal.aborted ? new Error("context deadline exceeded") : error));
      request.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function urlOf({ url, service }: WebhookClientConfig): URL {
  if (!service) return new URL(url ?? "");
  const { name, namespace, port = 443, path = "" } = service;
  const whole = new URL(`https://${name}.${namespace}.svc`);
  whole.port = String(port);
  whole.pathname = path;
  return whole;
}
