import { readFileSync } from "node:fs";
import https from "node:https";
import { parse } from "yaml";

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of an answer is written in the test
  readonly body: any;
}

/** Plain requests with a kubeconfig's server and credentials, each over a kept connection. */
export interface Api extends Disposable {
  readonly server: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Rejects when the server was not reached. */
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>;
}

/** `limitMs`: a bound against hanging, not an expectation. */
export function openApi(kubeconfig: string, { limitMs = 60_000 } = {}): Api {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8"));
  const text = (base64: string) => Buffer.from(base64, "base64").toString();
  const { server } = clusters[0].cluster;
  const tls = {
    ca: text(clusters[0].cluster["certificate-authority-data"]),
    cert: text(users[0].user["client-certificate-data"]),
    key: text(users[0].user["client-key-data"]),
  };
  const agent = new https.Agent({ keepAlive: true, ...tls });
  return {
    server,
    tls,
    request: (method, path, body, contentType = "application/json") =>
      new Promise((resolve, reject) => {
        const payload = body === undefined ? undefined : JSON.stringify(body);
        const headers =
          payload === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(payload) };
        const request = https.request(server + path, { agent, method, headers, timeout: limitMs }, (response) => {
          const parts: Buffer[] = [];
          response.on("data", (part) => parts.push(part));
          response.on("error", reject);
          response.on("end", () => {
            const answer = Buffer.concat(parts).toString();
            if (!response.complete) return reject(new Error("the answer was cut short"));
            try {
              resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) });
            } catch {
              resolve({ status: response.statusCode ?? 0, body: answer });
            }
          });
        });
        request
          .on("error", reject)
          .on("timeout", () => request.destroy(new Error(`no answer in ${limitMs / 1000} seconds`)));
        request.end(payload);
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
