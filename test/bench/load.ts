import { randomBytes } from "node:crypto";
import http2 from "node:http2";

/** Where an API server is and how one logs in. */
export interface Target {
  readonly server: string;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** One HTTP/2 connection to an API server. */
export interface Connection {
  send(method: string, path: string, body?: string, type?: string): Promise<Answer>;
  /** Opens a stream; calls back for each piece of data. Resolves with the status. */
  stream(path: string, onData: (part: Buffer) => void): Promise<number>;
  close(): void;
}

export function connect({ server, ca, cert, key, token }: Target): Connection {
  const session = http2.connect(server, {
    ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    settings: { initialWindowSize: 4 << 20 },
  });
  session.setMaxListeners(0);
  session.on("connect", () => session.setLocalWindowSize(64 << 20));
  session.on("error", (error) => console.error(`connection: ${error.message}`));
  const login = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const open = (method: string, path: string, body?: string, type = "application/json") => {
    const content = body === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(body) };
    const request = session.request({
      ":method": method,
      ":path": path,
      accept: "application/json",
      ...login,
      ...content,
    });
    request.end(body);
    return request;
  };
  return {
    send: (method, path, body, type) =>
      new Promise((resolve, reject) => {
        const parts: Buffer[] = [];
        let status = 0;
        open(method, path, body, type)
          .on("error", reject)
          .on("response", (headers) => void (status = Number(headers[":status"])))
          .on("data", (part) => parts.push(part))
          .on("end", () => resolve({ status, body: Buffer.concat(parts) }));
      }),
    stream: (path, onData) =>
      new Promise((resolve, reject) => {
        open("GET", path)
          .on("error", reject)
          .on("response", (headers) => resolve(Number(headers[":status"])))
          .on("data", onData);
      }),
    close: () => session.destroy(),
  };
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
}

/** Median and 99th percentile of durations in milliseconds. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** A ConfigMap of about `bytes`, which does not compress. */
export function configMap(name: string, bytes: number, turn = 0): string {
  const payload = randomBytes(Math.ceil(bytes * 0.6)).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, labels: { app: "bench" } },
    data: { turn: String(turn), payload },
  });
}

export type Operation = "create" | "get" | "put" | "patch";

/** Every connection repeats the operation for the given time; how many succeeded, and the spread of their times. */
export async function repeat(
  connections: readonly Connection[],
  operation: Operation,
  namespace: string,
  seconds: number,
) {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const own = (client: number) => `own-${client}`;
  await Promise.all(
    connections.map((connection, client) => connection.send("POST", path, configMap(own(client), 1000))),
  );
  const perform: Record<Operation, (c: Connection, client: number, turn: number) => Promise<Answer>> = {
    create: (c, client, turn) =>
      c.send("POST", path, configMap(`${operation}-${connections.length}-${client}-${turn}`, 1000)),
    get: (c, client) => c.send("GET", `${path}/${own(client)}`),
    put: (c, client, turn) => c.send("PUT", `${path}/${own(client)}`, configMap(own(client), 1000, turn + 1)),
    patch: (c, client, turn) =>
      c.send("PATCH", `${path}/${own(client)}`, `{"data":{"turn":"patched ${turn}"}}`, "application/merge-patch+json"),
  };
  const times: number[] = [];
  let failures = 0;
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    connections.map(async (connection, client) => {
      for (let turn = 0, began = performance.now(); began < end; turn++, began = performance.now()) {
        const { status } = await perform[operation](connection, client, turn);
        if (status < 300) times.push(performance.now() - began);
        else failures++;
      }
    }),
  );
  return { count: times.length, perSecond: times.length / seconds, failures, ...spreadOf(times) };
}
