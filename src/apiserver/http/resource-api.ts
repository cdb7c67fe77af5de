import type { AnyObject } from "../../api/object.ts";
import type { PatchType, RequestOptions } from "../../api/request.ts";
import { isReason, StatusError } from "../../api/status.ts";
import { durationFrom } from "../../api/time.ts";
import type { Clock } from "../../base/clock.ts";
import { type Action, partBody } from "../actions/action.ts";
import { type Attributes, type Authorizer, attributesOf, refusal } from "../authorize/attributes.ts";
import type { Call } from "../call.ts";
import { bodyEncoding, formFor, plainJson } from "../negotiate/accept.ts";
import {
  type DecodeOptions,
  decodeDeleteOptions,
  decodeExpected,
  decodeObject,
  readPatch,
} from "../negotiate/decode-body.ts";
import { render } from "../negotiate/render.ts";
import { includeObjectFrom } from "../negotiate/table.ts";
import type { Answer } from "../registry/answer.ts";
import type { Registry } from "../registry/deps.ts";
import { refuseContradictions } from "../registry/list.ts";
import { perform } from "../registry/perform.ts";
import type { Catalog } from "../registry/resources.ts";
import type { UserInfo } from "../user.ts";
import { httpSink } from "../watch/http-sink.ts";
import { serveWatch, type WatchOptions, type WatchSink } from "../watch/serve-watch.ts";
import { readBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { pageNotFound } from "./page-routes.ts";
import { deleteOptions, type ReadOptions, readOptions, refuseBadTimeout, writeOptions } from "./query.ts";
import type { RequestInfo } from "./request-info.ts";
import { type Route, routeOf } from "./route.ts";

/** A watch that was asked for. */
export interface AskedWatch {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** The forms that the client reads. */
  readonly accept: string | undefined;
}

export interface ResourceApiOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly actions: ReadonlyMap<string, Action>;
  readonly stopping: AbortSignal;
}

/** Requests on resources, as they come over HTTP: authorized already, still to be routed, decoded and answered. */
export class ResourceApi {
  readonly #options: ResourceApiOptions;

  constructor(options: ResourceApiOptions) {
    this.#options = options;
  }

  async handle(exchange: Exchange, info: RequestInfo, query: URLSearchParams, user: UserInfo): Promise<void> {
    const { registry, clock } = this.#options;
    const method = exchange.incoming.method ?? "GET";
    if (isUnknownCustom(registry.catalog, info)) return pageNotFound(exchange);
    const route = routeOf(registry.catalog, info, method);
    const { resource } = route;
    refuseBadTimeout(query);
    const name = actionOf(route);
    const action = name === undefined ? undefined : this.#options.actions.get(name);
    const printed = action?.perform === undefined;
    // A form that only what goes wrong can have is refused in that form.
    for (const custom of resource.custom ? [false, true] : [false])
      exchange.form = withPretty(exchange, formFor(exchange.header("accept"), "object", { custom, printed }), query);
    if (resource.deprecation) exchange.warn(resource.deprecation);

    if (route.verb === "watch") {
      const options = this.#watchOptions(route, { info, query, accept: exchange.header("accept") });
      return serveWatch(registry, httpSink(exchange), options);
    }
    if (action?.stream)
      return await action.stream(this.#call(exchange, info, user, route, {}), exchange, info.rest, query);
    let answer: Answer;
    try {
      answer = await this.#answer(exchange, info, query, user, route);
    } catch (error) {
      if (isReason(error, "Timeout") && isImpatient(query)) return outOfTime(exchange);
      throw error;
    }
    const include = exchange.form.as === "Table" ? includeObjectFrom(query.get("includeObject")) : "Metadata";
    if (exchange.trail?.wantsResponse) exchange.trail.responseObject(plainObject(answer, clock.now()));
    await exchange.send(render(answer, { form: exchange.form, include, now: clock.now() }));
  }

  /** Serves a watch that does not come as a plain request. @throws {StatusError} before the sink begins */
  watchOver(asked: AskedWatch, open: (isBinary: boolean) => WatchSink): void {
    const { registry } = this.#options;
    const route = routeOf(registry.catalog, asked.info, "GET");
    refuseBadTimeout(asked.query);
    const options = this.#watchOptions(route, asked);
    serveWatch(registry, open(options.eventForm.form.encoding === "protobuf"), options);
  }

  #watchOptions({ resource }: Route, { info, query, accept }: AskedWatch): WatchOptions {
    const options = readOptions(query);
    refuseContradictions({ ...options, resourceVersionMatch: options.matchText }, true, options.sendInitialEvents);
    const form = formFor(accept, "watch", { custom: resource.custom !== undefined });
    return {
      resource,
      namespace: info.namespace && resource.kind.scope === "Namespaced" ? info.namespace : undefined,
      name: info.depth > 1 ? info.name : undefined,
      options,
      sendInitialEvents: options.sendInitialEvents,
      eventForm: { form, include: includeObjectFrom(query.get("includeObject")), now: this.#options.clock.now() },
      bookmarks: options.allowWatchBookmarks,
      timeoutSeconds: options.timeoutSeconds,
      stopping: this.#options.stopping,
    };
  }

  async #answer(
    exchange: Exchange,
    info: RequestInfo,
    query: URLSearchParams,
    user: UserInfo,
    route: Route,
  ): Promise<Answer> {
    const { registry, actions } = this.#options;
    const { verb } = route;
    switch (verb) {
      case "get":
      case "list": {
        const options: ReadOptions = verb === "list" ? listOptions(query) : readOptions(query);
        return perform(registry, actions, { verb, call: this.#call(exchange, info, user, route, options) });
      }
      case "create":
      case "update": {
        const encoding = bodyEncoding(exchange.header("content-type"));
        const options = writeOptions(verb === "create" ? "CreateOptions" : "UpdateOptions", query);
        const bytes = await readBody(exchange.incoming);
        const decoding: DecodeOptions = {
          encoding,
          fieldValidation: options.fieldValidation ?? "Warn",
          warn: (text) => exchange.warn(text),
        };
        const object = this.#decode(bytes, route, decoding);
        exchange.trail?.requestObject(object);
        return perform(registry, actions, { verb, call: this.#call(exchange, info, user, route, options), object });
      }
      case "patch": {
        const type = patchType(exchange.header("content-type"));
        const options = writeOptions("PatchOptions", query, type === "apply");
        const bytes = await readBody(exchange.incoming);
        const call = this.#call(exchange, info, user, route, options);
        const document = readPatch(bytes, type);
        exchange.trail?.requestPatch(document.value);
        return perform(registry, actions, { verb, call, patch: { type, document, text: bytes } });
      }
      default: {
        const selecting = verb === "deletecollection" ? listOptions(query) : {};
        const bytes = await readBody(exchange.incoming);
        const encoding = bodyEncoding(exchange.header("content-type"));
        const body = bytes.length > 0 ? decodeDeleteOptions(bytes, encoding) : undefined;
        if (body) exchange.trail?.requestPatch(body);
        const options = { ...selecting, ...deleteOptions(body, query) };
        return perform(registry, actions, { verb, call: this.#call(exchange, info, user, route, options) });
      }
    }
  }

  #decode(bytes: Buffer, { resource, subresource }: Route, options: DecodeOptions): AnyObject {
    const part = partBody(resource.kind, subresource);
    return part ? decodeExpected(bytes, part, options) : decodeObject(bytes, resource, options);
  }

  #call(exchange: Exchange, info: RequestInfo, user: UserInfo, { resource }: Route, options: RequestOptions): Call {
    const { namespace, name, subresource } = info;
    return {
      user,
      resource,
      subresource: subresource || undefined,
      namespace: resource.kind.scope === "Namespaced" && namespace ? namespace : undefined,
      name: info.depth > 1 ? name : undefined,
      options,
      fieldManager: options.fieldManager || managerOf(exchange.header("user-agent")),
      warn: (text) => exchange.warn(text),
      annotate: exchange.trail && ((key, value) => exchange.trail?.annotate(key, value)),
      alsoNeeds: (verb) => {
        const attributes: Attributes = { ...attributesOf(user, info), verb };
        const { allowed, reason } = this.#options.authorizer.decide(attributes);
        if (!allowed) throw refusal(attributes, reason);
      },
    };
  }
}

/** Which objects are meant by a list, or are to be deleted. @throws {StatusError} Invalid, where one option rules out another */
function listOptions(query: URLSearchParams): ReadOptions {
  const options = readOptions(query);
  refuseContradictions({ ...options, resourceVersionMatch: options.matchText }, false, options.sendInitialEvents);
  return options;
}

/** What an answer holds, whatever form the client wants it in. */
function plainObject(answer: Answer, now: number): unknown {
  const { parts } = render(answer, { form: plainJson, include: "Metadata", now });
  return JSON.parse(Buffer.concat(parts).toString());
}

// So long Kubernetes waits for a revision that is still to come.
const waitsForRevisionNanos = 3e9;

/** Whether the client gives a request less time than Kubernetes would wait for a revision to come. */
function isImpatient(query: URLSearchParams): boolean {
  const timeout = durationFrom(query.get("timeout") ?? "") ?? 0;
  return timeout > 0 && timeout < waitsForRevisionNanos;
}

/** What Kubernetes says at the end of the client's time comes from outside its encoders. */
function outOfTime(exchange: Exchange): void {
  const message = "Timeout: request did not complete within the allotted timeout";
  const status = { metadata: {}, status: "Failure", message, reason: "Timeout", details: {}, code: 504 };
  exchange.sendText(504, JSON.stringify(status));
}

/** Where only definitions serve anything, what is not defined is no page at all. */
function isUnknownCustom(catalog: Catalog, { group, version, resource, namespace }: RequestInfo): boolean {
  const found = catalog.find(group, version, resource);
  if (found) return found.custom !== undefined && found.kind.scope === "Cluster" && namespace !== "";
  return catalog.all().every((known) => known.kind.group !== group || known.custom !== undefined);
}

/** The action that answers a route, if one does. */
function actionOf({ resource, subresource }: Route): string | undefined {
  if (subresource?.sort === "action") return subresource.action;
  return subresource ? undefined : resource.kind.action;
}

const patchTypes = new Map<string, PatchType>([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
  ["application/apply-patch+yaml", "apply"],
]);

function patchType(contentType: string | undefined): PatchType {
  const type = patchTypes.get(contentType?.split(";", 1)[0]?.trim() ?? "");
  if (!type) throw new StatusError("UnsupportedMediaType", "415: Unsupported Media Type", {});
  return type;
}

/** Programs people use to look at answers by eye get them indented, as from Kubernetes. */
function withPretty(exchange: Exchange, form: ReturnType<typeof formFor>, query: URLSearchParams) {
  const asked = query.get("pretty");
  const pretty =
    form.pretty ||
    (asked === null
      ? /^(curl|Wget|Mozilla)/.test(exchange.header("user-agent") ?? "")
      : !(asked === "0" || asked === "false"));
  return pretty === form.pretty ? form : { ...form, pretty };
}

/** Who the fields belong to when the client does not say: the program's name. */
function managerOf(userAgent: string | undefined): string {
  const name = (userAgent ?? "").split("/", 1)[0] ?? "";
  return name.slice(0, 128) || "unknown";
}
