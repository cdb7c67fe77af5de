import https from "node:https";
import { gunzipSync } from "node:zlib";
import { Comparison } from "./compare.ts";
import { filled, type Line, payloadOf, type RecordedAnswer, type RecordedRequest } from "./recording.ts";

/** What became of one recorded request. */
export interface Outcome {
  readonly name: string;
  readonly differences: readonly string[];
}

/** Sends the requests of a scenario to a server, one after the other, compares the answers, and removes what it made. */
export async function replayScenario(url: string, lines: readonly Line[]): Promise<Outcome[]> {
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  const comparison = new Comparison();
  const known: Record<string, unknown> = {};
  const made: string[] = [];
  const outcomes: Outcome[] = [];
  try {
    for (const { scenario, step, setup, request, response } of lines) {
      const answer = await answerTo(url, agent, request, known);
      known[step] = answer.parsed;
      const name = (answer.parsed as { metadata?: { name?: string } } | undefined)?.metadata?.name;
      if (answer.status === 201 && name && !answer.path.includes("dryRun"))
        made.unshift(
          request.method === "POST" ? `${answer.path.split("?")[0]}/${name}` : (answer.path.split("?")[0] ?? ""),
        );
      const differences =
        setup && answer.status === response.status ? [] : compared(comparison, request, response, answer);
      outcomes.push({ name: `${scenario} / ${step}`, differences });
    }
    for (const path of made) await remove(url, agent, path);
  } finally {
    agent.destroy();
  }
  return outcomes;
}

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  readonly bytes: Buffer;
  /** What later requests may take from it. */
  readonly parsed: unknown;
}

const mostTries = 40;
const betweenTriesMs = 150;

async function answerTo(
  url: string,
  agent: https.Agent,
  request: RecordedRequest,
  known: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  if (request.waitMs) await pause(request.waitMs);
  const payload = payloadOf(request, known);
  const path = filled(request.path, known) as string;
  const headers: Record<string, string> = { accept: "application/json" };
  if (payload) headers["content-type"] = "application/json";
  if (request.user !== "anonymous") headers.authorization = `Bearer ${request.user ?? "admin"}-token`;
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value === "") delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = filled(value, known) as string;
  }
  const asked = { url, agent, method: request.method ?? "GET", path, headers, payload, watchMs: request.watchMs };
  for (let tries = 1; ; tries++) {
    const answer = await send(asked);
    const isReached = request.until === undefined || new RegExp(request.until).test(`${answer.status} ${answer.bytes}`);
    if (isReached || tries > mostTries) return answer;
    await pause(betweenTriesMs);
  }
}

interface Asked {
  readonly url: string;
  readonly agent: https.Agent;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: Buffer | undefined;
  readonly watchMs?: number | undefined;
}

const longestAnswerMs = 20_000;

function send({ url, agent, method, path, headers, payload, watchMs }: Asked): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const options: https.RequestOptions = { hostname, port, method, path, rejectUnauthorized: false };
    options.agent = watchMs === undefined ? agent : false;
    // Node frames no body of a DELETE by itself.
    options.headers = { ...(payload && { "content-length": payload.length }), ...headers };
    const request = https.request(options, (response) => {
      const finish = (): void => {
        clearTimeout(timer);
        resolve(answerFrom(path, response.statusCode ?? 0, response.headersDistinct, Buffer.concat(parts), watchMs));
      };
      response
        .on("data", (part: Buffer) => parts.push(part))
        .on("close", finish)
        .on("error", finish);
    });
    const timer = setTimeout(() => request.destroy(), watchMs ?? longestAnswerMs);
    request.on("error", (error) => {
      clearTimeout(timer);
      resolve({ path, status: 0, headers: {}, bytes: Buffer.from(`no answer: ${error.message}`), parsed: undefined });
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      clearTimeout(timer);
      resolve(answerFrom(path, response.statusCode ?? 0, response.headersDistinct, Buffer.alloc(0), undefined));
    });
    request.end(payload);
  });
}

function answerFrom(
  path: string,
  status: number,
  headers: Answer["headers"],
  sent: Buffer,
  watchMs: number | undefined,
): Answer {
  const bytes = headers["content-encoding"]?.[0] === "gzip" ? gunzipSync(sent) : sent;
  const type = headers["content-type"]?.[0] ?? "";
  let parsed: unknown;
  if (/protobuf|cbor/.test(type)) parsed = { base64: bytes.toString("base64") };
  else if (watchMs !== undefined && status === 200 && type.includes("json"))
    parsed = {
      events: bytes
        .toString()
        .split("\n")
        .map(jsonOf)
        .filter((event) => event !== undefined),
    };
  else parsed = jsonOf(bytes.toString()) ?? { text: bytes.toString() };
  return { path, status, headers, bytes, parsed };
}

const keptHeaders =
  "content-type warning retry-after location allow vary cache-control etag content-encoding www-authenticate last-modified";

function compared(comparison: Comparison, request: RecordedRequest, was: RecordedAnswer, is: Answer): string[] {
  const names = request.allHeaders ? Object.keys(is.headers).sort() : keptHeaders.split(" ");
  const headers: Record<string, unknown> = {};
  for (const name of names) {
    const values = is.headers[name];
    if (values) headers[name] = values.length > 1 ? values : values[0];
  }
  return [
    ...comparison.differences(was.status, is.status, ".status"),
    ...comparison.differences(was.headers ?? {}, headers, ".headers"),
    ...(is.bytes.length === 0 && was.body === undefined && !was.base64 && !was.events
      ? []
      : request.headersOnly
        ? []
        : bodyDifferences(comparison, request, was, is)),
  ];
}

function bodyDifferences(comparison: Comparison, request: RecordedRequest, was: RecordedAnswer, is: Answer): string[] {
  if (was.base64 !== undefined) {
    const recorded = Buffer.from(was.base64, "base64");
    return comparison.isSameMessage(recorded, is.bytes) ? [] : [".body: other bytes"];
  }
  if (was.events) {
    const { events = [] } = is.parsed as { events?: unknown[] };
    return comparison.differences(was.events, events, ".events");
  }
  const text = is.bytes.toString();
  if (request.shape === "metrics") return comparison.differences(was.body, metricShape(text), ".body");
  const parsed = request.raw ? undefined : jsonOf(text);
  const recorded = typeof was.body === "string" ? was.body.replaceAll('"<rv>"', '"<list-rv>"') : was.body;
  return comparison.differences(recorded, parsed ?? text, ".body");
}

/** Names of metrics with their types and labels: what of them can be compared. */
function metricShape(text: string): Record<string, { type: string; labels: string[] }> {
  const shape: Record<string, { type: string; labels: string[] }> = {};
  for (const line of text.split("\n")) {
    const [, name, type] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    if (name && type) shape[name] = { type, labels: [] };
    const [, sample = "", labels = ""] = /^([\w:]+)\{(.*)\} /.exec(line) ?? [];
    const metric = shape[sample] ?? shape[sample.replace(/_(?:bucket|sum|count)$/, "")];
    for (const [, label = ""] of labels.matchAll(/([a-zA-Z_]+)="/g))
      if (metric && !metric.labels.includes(label)) metric.labels.push(label);
  }
  for (const { labels } of Object.values(shape)) labels.sort();
  return shape;
}

/** Deletes an object, whatever holds it back. */
async function remove(url: string, agent: https.Agent, path: string): Promise<void> {
  const ask = (method: string, at: string, body: unknown, type = "application/json"): Promise<Answer> =>
    send({
      url,
      agent,
      method,
      path: at,
      headers: { authorization: "Bearer admin-token", accept: "application/json", "content-type": type },
      payload: Buffer.from(JSON.stringify(body)),
    });
  const { status, bytes } = await ask("DELETE", path, { gracePeriodSeconds: 0, propagationPolicy: "Background" });
  if (status >= 300 || !/"(?:deletionTimestamp|finalizers)"/.test(bytes.toString())) return;
  if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path))
    await ask("PUT", `${path}/finalize`, { metadata: { name: path.split("/").pop() }, spec: { finalizers: [] } });
  if (!path.includes("customresourcedefinitions"))
    await ask("PATCH", path, { metadata: { finalizers: null } }, "application/merge-patch+json");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
