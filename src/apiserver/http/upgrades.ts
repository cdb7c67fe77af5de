import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Pod } from "../../api/schema/types.ts";
import { badRequest, notFound } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import { placeOfLogs, refuseWrongOptions } from "../actions/log.ts";
import { nodeOf, podTarget } from "../actions/pod-target.ts";
import type { AuditLog } from "../audit/trail.ts";
import type { Authenticator } from "../authenticate/authenticator.ts";
import { impersonated } from "../authenticate/impersonate.ts";
import { type Authorizer, attributesOf, refusal, refuseWithoutCreate } from "../authorize/attributes.ts";
import type { NodeDialer, NodeRequest, NodeResponse } from "../node-dialer.ts";
import { type ExecStreams, serveExec } from "../upgrade/exec.ts";
import { refuseUpgrade, streamFrom, upgradeRequired, wantedProtocol } from "../upgrade/handshake.ts";
import { serveLogs } from "../upgrade/logs.ts";
import { servePortForward } from "../upgrade/port-forward.ts";
import { serveProxied } from "../upgrade/proxy.ts";
import { webSocketSink } from "../upgrade/watch.ts";
import type { UserInfo } from "../user.ts";
import type { WatchSink } from "../watch/serve-watch.ts";
import { flag, splitTarget } from "./query.ts";
import { recordUpgrade } from "./record-request.ts";
import { infoOf, type RequestInfo } from "./request-info.ts";
import type { AskedWatch } from "./resource-api.ts";

/** A protocol of app/'s own that a connection may change to, behind authentication. */
export interface ExtraUpgrade {
  readonly path: string;
  /** What the client names in its Upgrade header. */
  readonly protocol: string;
  /** Takes the connection over, the 101 answer included. @throws {StatusError} to refuse */
  accept(asked: { readonly user: UserInfo; readonly connection: Duplex; readonly head: Buffer }): void;
}

export interface UpgradesOptions {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly nodes: NodeDialer;
  readonly clock: Clock;
  readonly audit?: AuditLog;
  readonly extra: readonly ExtraUpgrade[];
  /** Passes a request on to what a proxy subresource stands for. @throws {StatusError} */
  readonly openProxied: (
    asked: { readonly user: UserInfo; readonly info: RequestInfo; readonly incoming: IncomingMessage },
    signal: AbortSignal,
  ) => Promise<NodeResponse>;
  /** Begins a watch. @throws {StatusError} where it cannot be served */
  readonly watch: (asked: AskedWatch, open: (isBinary: boolean) => WatchSink) => void;
  /** Whether admission lets somebody connect to a pod. @throws {StatusError} to refuse */
  readonly admit: (user: UserInfo, info: RequestInfo, query: URLSearchParams) => Promise<void>;
  /** @throws {StatusError} NotFound */
  readonly getPod: (namespace: string, name: string) => Promise<Pod>;
}

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Asked {
  readonly user: UserInfo;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** Called when nothing stands in the way any more. */
  readonly begun: () => void;
}

const upgradable = new Set(["exec", "attach", "portforward", "log", "proxy"]);

/** Whether a request that names another protocol may change to it; all others are answered as if it had named none. */
export function takesUpgrade(extra: readonly ExtraUpgrade[]): (request: IncomingMessage) => boolean {
  return ({ method, url = "/" }) => {
    const { path, query } = splitTarget(url);
    if (extra.some((one) => one.path === path)) return true;
    const info = infoOf(method, path, query);
    return info.isResource && (info.verb === "watch" || upgradable.has(info.subresource));
  };
}

/** Serves requests that ask for another protocol: exec, attach, port-forward and logs of pods, and those of `extra`. */
export function upgrades(options: UpgradesOptions): UpgradeListener {
  return (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    handle(options, request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error));
  };
}

async function handle(options: UpgradesOptions, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { authenticator, authorizer } = options;
  const { path, query } = splitTarget(request.url ?? "/");
  const info = infoOf(request.method, path, query);
  const user = impersonated(request, await authenticator.authenticate(request), authorizer, info);
  const extra = options.extra.find(
    (one) => one.path === path && one.protocol === request.headers.upgrade?.toLowerCase(),
  );
  if (extra) return extra.accept({ user, connection: socket, head });

  const { audit, clock } = options;
  const asking = { request, socket, auditId: randomUUID() };
  const trail = audit && recordUpgrade({ audit, clock }, asking, { info, user });
  try {
    const attributes = attributesOf(user, info, query.get("fieldSelector") ?? undefined);
    const { allowed, reason } = authorizer.decide(attributes);
    trail?.decided(allowed, reason);
    if (!allowed) throw refusal(attributes, reason);
    await connect(options, { request, socket, head, info, query, user, begun: () => trail?.begun() });
  } catch (error) {
    trail?.failed(error);
    throw error;
  }
}

async function connect(options: UpgradesOptions, asked: Asked): Promise<void> {
  const { info } = asked;
  if (info.verb === "watch") return watch(options, asked);
  if (info.isResource && info.group === "" && info.subresource === "proxy") return proxy(options, asked);
  const action = info.isResource && info.group === "" && info.resource === "pods" ? info.subresource : "";
  if (action === "exec" || action === "attach" || action === "portforward")
    refuseWithoutCreate(options.authorizer, attributesOf(asked.user, info));
  switch (action) {
    case "exec":
    case "attach":
      return exec(options, asked, action);
    case "portforward":
      return portForward(options, asked);
    case "log":
      return logs(options, asked);
    default:
      throw notFound({ group: "", plural: "upgrades" }, info.path);
  }
}

async function proxy(options: UpgradesOptions, { request, socket, head, info, user, begun }: Asked): Promise<void> {
  await serveProxied({ socket, head }, async (signal) => {
    const answer = await options.openProxied({ user, info, incoming: request }, signal);
    begun();
    return answer;
  });
}

function watch(options: UpgradesOptions, { request, socket, head, info, query, begun }: Asked): void {
  if (wantedProtocol(request) !== "websocket") throw upgradeRequired();
  const upgrade = { request, socket, head, clock: options.clock };
  options.watch({ info, query, accept: request.headers.accept }, (isBinary) => webSocketSink(upgrade, isBinary));
  begun();
}

async function exec(
  options: UpgradesOptions,
  { request, socket, head, info, query, user, begun }: Asked,
  action: "exec" | "attach",
): Promise<void> {
  const { namespace, name } = info;
  const { node, container } = podTarget(await options.getPod(namespace, name), query.get("container") ?? undefined);
  const streams = streamsOf(query);
  if (action === "exec" && query.getAll("command").length === 0)
    throw badRequest("you must specify at least 1 command for the container");
  await options.admit(user, info, query);
  begun();
  const path = `/${action}/${namespace}/${name}/${container}?${nodeQuery(streams, query.getAll("command"))}`;
  const open = (signal: AbortSignal) => openStream(options.nodes, node, { method: "POST", path }, signal);
  await serveExec({ request, socket, head, clock: options.clock, streams, open });
}

async function portForward(
  options: UpgradesOptions,
  { request, socket, head, info, query, user, begun }: Asked,
): Promise<void> {
  const { namespace, name } = info;
  const pod = await options.getPod(namespace, name);
  const node = nodeOf(pod);
  await options.admit(user, info, query);
  begun();
  const ports = query
    .getAll("ports")
    .flatMap((text) => text.split(","))
    .map(Number)
    .filter((port) => port > 0 && port < 65_536);
  const open = (port: number, signal: AbortSignal) =>
    openStream(options.nodes, node, { method: "POST", path: `/portForward/${namespace}/${name}?port=${port}` }, signal);
  await servePortForward({ request, socket, head, clock: options.clock, ports, open, pod: `${namespace}/${name}` });
}

async function logs(options: UpgradesOptions, { request, socket, head, info, query }: Asked): Promise<void> {
  const { namespace, name } = info;
  refuseWrongOptions(name, query);
  const place = placeOfLogs(await options.getPod(namespace, name), query);
  const open =
    place &&
    ((signal: AbortSignal) => openStream(options.nodes, place.node, { method: "GET", path: place.path }, signal));
  await serveLogs({ request, socket, head, clock: options.clock, open });
}

/** A stream to the node, or what the node says instead. */
async function openStream(nodes: NodeDialer, node: string, request: NodeRequest, signal: AbortSignal): Promise<Duplex> {
  return streamFrom(await nodes.open(node, request, signal));
}

function streamsOf(query: URLSearchParams): ExecStreams {
  const on = (name: string) => flag(query, name) ?? false;
  const tty = on("tty");
  // A terminal has one output: Kubernetes drops the wish for a second.
  return { stdin: on("stdin"), stdout: on("stdout"), stderr: on("stderr") && !tty, tty };
}

/** As api/streams.ts says. */
function nodeQuery({ stdin, stdout, stderr, tty }: ExecStreams, command: readonly string[]): URLSearchParams {
  const query = new URLSearchParams(command.map((word): [string, string] => ["command", word]));
  for (const [name, on] of Object.entries({ input: stdin, output: stdout, error: stderr, tty }))
    if (on) query.set(name, "1");
  return query;
}
