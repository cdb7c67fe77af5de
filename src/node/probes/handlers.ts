import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Container, GRPCAction, HTTPGetAction, TCPSocketAction } from "../../api/schema/types.ts";
import { timeLimit } from "../../base/time-limit.ts";
import { callUnary, GrpcError } from "../grpc.ts";
import type { ContainerRuntime } from "../runtime.ts";

/** How one probe of a container went. `unknown`: it could not be tried. */
export interface ProbeOutcome {
  readonly result: "success" | "failure" | "unknown";
  readonly output: string;
  /** It succeeded in a way that the user may not have meant. */
  readonly warns?: boolean;
}

/** Where a container's probes and hooks go. */
export interface ProbeTarget {
  readonly runtime: ContainerRuntime;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

const success = (output = ""): ProbeOutcome => ({ result: "success", output });
const failure = (output: string): ProbeOutcome => ({ result: "failure", output });
const mostOutputBytes = 10 * 1024;

export async function probeExec(
  { runtime, containerId }: ProbeTarget,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeOutcome> {
  using limit = timeLimit(timeoutMs);
  const timeout = limit.signal;
  const options = { command, stdin: false, stdout: true, stderr: true, tty: false };
  try {
    const session = await runtime.exec(containerId, options, timeout);
    const [out, err, code] = await Promise.all([
      session.stdout ? text(session.stdout) : "",
      session.stderr ? text(session.stderr) : "",
      session.exited,
    ]);
    if (timeout.aborted) return failure(timedOut(command, timeoutMs));
    const output = (out + err).slice(0, mostOutputBytes);
    return code === 0 ? success(output) : failure(output);
  } catch (error) {
    if (timeout.aborted) return failure(timedOut(command, timeoutMs));
    const message = (error as Error).message;
    // The command does not exist, or may not be run: the container fails the probe.
    return /exec failed|executable file not found|no such file/i.test(message)
      ? failure(message)
      : { result: "unknown", output: message };
  }
}

function timedOut(command: readonly string[], timeoutMs: number): string {
  return `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${timeoutMs / 1000}s`;
}

export async function probeHttp(target: ProbeTarget, action: HTTPGetAction, timeoutMs: number): Promise<ProbeOutcome> {
  const answer = await reachHttp(target, action, timeoutMs);
  if (!("status" in answer)) return answer;
  const { status, body } = answer;
  if (status >= 300 && status < 400)
    return { ...success(`Probe terminated redirects, Response body: ${body}`), warns: true };
  if (status >= 200 && status < 300) return success(body);
  return failure(`HTTP probe failed with statuscode: ${status}`);
}

/** What a hook asks for: whoever answers has been told, whatever the answer is. */
export async function tellHttp(target: ProbeTarget, action: HTTPGetAction, timeoutMs: number): Promise<ProbeOutcome> {
  const answer = await reachHttp(target, action, timeoutMs);
  return "status" in answer ? success(answer.body) : answer;
}

async function reachHttp(
  target: ProbeTarget,
  action: HTTPGetAction,
  timeoutMs: number,
): Promise<{ status: number; body: string } | ProbeOutcome> {
  const url = urlOf(target, action);
  try {
    return await get(url, action, timeoutMs);
  } catch (error) {
    return failure(`Get "${withPort(url)}": ${networkWords(error, url.hostname, portOf(url))}`);
  }
}

function urlOf({ container, podIp }: ProbeTarget, { host, port, path = "/", scheme = "HTTP" }: HTTPGetAction): URL {
  const name = host || podIp;
  const address = name.includes(":") ? `[${name}]` : name;
  return new URL(
    `${scheme.toLowerCase()}://${address}:${portNumber(container, port)}${path.startsWith("/") ? path : `/${path}`}`,
  );
}

/** The port, also where it is the scheme's own, which URL leaves out. */
const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === "https:" ? 443 : 80);

/** The address as the kubelet writes it in Events: its port always named. */
const withPort = (url: URL): string => url.href.replace(url.host, `${url.hostname}:${portOf(url)}`);

/** A GET without a pooled connection; redirects to another host count as answers, to the same one they are followed. */
async function get(
  url: URL,
  action: HTTPGetAction,
  timeoutMs: number,
  redirects = 0,
): Promise<{ status: number; body: string }> {
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.36", accept: "*/*", connection: "close" };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  using limit = timeLimit(timeoutMs);
  const { signal } = limit;
  const answer = await new Promise<{ status: number; body: string; location: string | undefined }>((done, fail) => {
    request(url, { headers, signal, agent: false, rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        if (length < mostOutputBytes) chunks.push(chunk);
        length += chunk.length;
      });
      response.on("end", () =>
        done({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString().slice(0, mostOutputBytes),
          location: response.headers.location,
        }),
      );
      response.on("error", fail);
    })
      .on("error", fail)
      .end();
  });
  const next =
    answer.location && answer.status >= 300 && answer.status < 400 ? new URL(answer.location, url) : undefined;
  if (!next || next.hostname !== url.hostname) return answer;
  if (redirects >= 10) throw new Error("stopped after 10 redirects");
  return get(next, action, timeoutMs, redirects + 1);
}

export async function probeTcp(
  { container, podIp }: ProbeTarget,
  { host, port }: TCPSocketAction,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const address = { host: host || podIp, port: portNumber(container, port) };
  return new Promise((done) => {
    const socket = connect(address);
    const limit = timeLimit(timeoutMs);
    const late = () => finish(failure(`dial tcp ${address.host}:${address.port}: i/o timeout`));
    limit.signal.addEventListener("abort", late);
    const finish = (outcome: ProbeOutcome) => {
      limit[Symbol.dispose]();
      socket.destroy();
      done(outcome);
    };
    socket.once("connect", () => finish(success()));
    socket.once("error", (error) => finish(failure(networkWords(error, address.host, address.port))));
  });
}

/** gRPC's health check: one unary call by hand, whose messages are a text and a number (gRPC, "Health Checking Protocol"). */
export async function probeGrpc(
  { podIp }: ProbeTarget,
  { port, service = "" }: GRPCAction,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const address = podIp.includes(":") ? `[${podIp}]` : podIp;
  const name = Buffer.from(service);
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0);
  const call = { path: "/grpc.health.v1.Health/Check", message, userAgent: "kube-probe/1.36" };
  using limit = timeLimit(timeoutMs);
  const timeout = limit.signal;
  try {
    return grpcOutcome(await callUnary(connectHttp2(`http://${address}:${port}`), call, timeout), service);
  } catch (error) {
    if (timeout.aborted)
      return failure(
        `timeout: failed to connect service "${podIp}:${port}" within ${timeoutMs / 1000}s: context deadline exceeded`,
      );
    if (!(error instanceof GrpcError)) return failure(networkWords(error, podIp, port));
    if (error.code === 12)
      return failure("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
    return failure(`error: health rpc probe failed with grpc status ${error.code}`);
  }
}

const serving = 1;
function grpcOutcome(answer: Buffer, service: string): ProbeOutcome {
  const said = answer[0] === 0x08 ? answer[1] : 0;
  if (said === serving) return success();
  const names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
  return failure(`service unhealthy (responded with "${names[said ?? 0] ?? said}")${service && ` for ${service}`}`);
}

/** A port by number or by the name that the container gives it. */
export function portNumber({ name, ports = [] }: Container, port: number | string): number {
  if (typeof port === "number") return port;
  const named = ports.find((each) => each.name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(named)) throw new Error(`couldn't find port: ${port} in container ${name}`);
  return named;
}

/** The words that Go's network library has for what went wrong; people search for them. */
function networkWords(error: unknown, host: string, port: number): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === "TimeoutError" || name === "AbortError") {
    return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  }
  const words: Record<string, string> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ETIMEDOUT: "connect: connection timed out",
  };
  if (code === "ECONNRESET") return "EOF";
  const said = code && words[code];
  return said ? `dial tcp ${host}:${port}: ${said}` : message;
}
