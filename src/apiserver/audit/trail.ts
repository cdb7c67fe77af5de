import type { AnyObject } from "../../api/object.ts";
import { plainValue } from "../../api/schema/json.ts";
import { StatusError } from "../../api/status.ts";
import { microTimeText } from "../../api/time.ts";
import type { Clock } from "../../base/clock.ts";
import type { RequestInfo } from "../http/request-info.ts";
import type { UserInfo } from "../user.ts";
import { type AuditPolicy, type Level, levels, type Stage, wantedOf } from "./policy.ts";

/** Where requests are recorded. */
export interface AuditLog extends AsyncDisposable {
  readonly policy: AuditPolicy;
  write(line: string): void;
}

export interface Recorded {
  readonly auditId: string;
  readonly uri: string;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly sourceIps: readonly string[];
  readonly userAgent: string | undefined;
  readonly receivedMs: number;
}

/** What is recorded of one request, stage by stage (Kubernetes docs, "Auditing"). */
export interface Trail {
  /** Whether bodies of answers are recorded: making them costs something. */
  readonly wantsResponse: boolean;
  /** The request is made as somebody else. */
  madeAs(user: UserInfo): void;
  decided(allowed: boolean, reason: string): void;
  /** What a step of admission wants to be known of the request. The first value of a key stands. */
  annotate(key: string, value: string): void;
  /** What was sent; it may change on its way. */
  requestObject(object: AnyObject): void;
  /** What was sent and is no object of the request's: a patch, the options of a deletion. */
  requestPatch(document: unknown): void;
  responseObject(object: unknown): void;
  failed(error: unknown): void;
  /** The answer has begun and goes on for as long as somebody listens. */
  started(code: number): void;
  completed(code: number): void;
}

/** Begins to record a request; undefined: nothing of it is recorded. */
export function openTrail(log: AuditLog, clock: Clock, request: Recorded): Trail | undefined {
  const { info, user } = request;
  const asked = {
    ...info,
    user: user.name,
    groups: user.groups,
    resource: info.isResource ? info.resource : "",
  };
  const { level, omitStages, omitManagedFields } = wantedOf(log.policy, asked);
  if (level === "None") return undefined;
  const holds = (least: Level): boolean => levels.indexOf(level) >= levels.indexOf(least);
  const shown = (object: unknown): unknown => (omitManagedFields ? withoutManagers(object) : object);
  const annotations: Record<string, string> = {};
  let impersonated: UserInfo | undefined;
  let requestObject: unknown;
  let responseObject: unknown;
  let sent: Sent = {};
  let failure: StatusError | undefined;

  const tell = (stage: Stage, code?: number): void => {
    if (omitStages.has(stage)) return;
    const isOver = stage === "ResponseComplete";
    const event = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level,
      auditID: request.auditId,
      stage,
      requestURI: request.uri,
      verb: info.verb,
      user: userText(user),
      ...(impersonated && { impersonatedUser: userText(impersonated) }),
      sourceIPs: request.sourceIps,
      ...(request.userAgent && { userAgent: request.userAgent }),
      ...(info.isResource && { objectRef: referenceFrom(info, sent) }),
      ...(code !== undefined && { responseStatus: statusFrom(code, failure) }),
      ...(requestObject !== undefined && { requestObject: shown(requestObject) }),
      ...(isOver && responseObject !== undefined && { responseObject: shown(responseObject) }),
      requestReceivedTimestamp: microTimeText(request.receivedMs),
      stageTimestamp: microTimeText(clock.now()),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    };
    log.write(JSON.stringify(event));
  };

  tell("RequestReceived");
  return {
    wantsResponse: holds("RequestResponse"),
    madeAs(other) {
      impersonated = other;
    },
    decided(allowed, reason) {
      annotations["authorization.k8s.io/decision"] = allowed ? "allow" : "forbid";
      annotations["authorization.k8s.io/reason"] = reason;
    },
    annotate(key, value) {
      annotations[key] ??= value;
    },
    requestObject(object) {
      const { name, uid, resourceVersion } = object.metadata;
      sent = { name, uid, resourceVersion };
      if (holds("Request")) requestObject = structuredClone(object);
    },
    requestPatch(document) {
      if (holds("Request")) requestObject = plainValue(structuredClone(document));
    },
    responseObject(object) {
      if (holds("RequestResponse")) responseObject = object;
    },
    failed(error) {
      if (!(error instanceof StatusError)) return;
      failure = error;
      if (holds("RequestResponse")) responseObject = error.toStatus();
    },
    started: (code) => tell("ResponseStarted", code),
    completed: (code) => tell("ResponseComplete", code),
  };
}

function userText({ name, uid, groups, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** What the object that was sent says of itself. */
interface Sent {
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

function referenceFrom(
  { resource, namespace, name, group, version, subresource }: RequestInfo,
  { uid, resourceVersion, ...sent }: Sent,
): object {
  const named = name || sent.name;
  return {
    resource,
    ...(namespace && { namespace }),
    ...(named && { name: named }),
    ...(uid && { uid }),
    ...(group && { apiGroup: group }),
    apiVersion: version,
    ...(resourceVersion && { resourceVersion }),
    ...(subresource && { subresource }),
  };
}

function statusFrom(code: number, failure: StatusError | undefined): object {
  if (!failure) return { metadata: {}, code };
  const { status, message, reason, details } = failure.toStatus();
  return { metadata: {}, status, message, ...(reason && { reason }), ...(details && { details }), code };
}

/** The object without its managers; of a list, each item without them. */
function withoutManagers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { metadata, items, ...rest } = value as Partial<AnyObject> & { items?: unknown[] };
  const { managedFields: _, ...kept } = metadata ?? {};
  return {
    ...rest,
    ...(metadata && { metadata: kept }),
    ...(Array.isArray(items) && { items: items.map(withoutManagers) }),
  };
}
