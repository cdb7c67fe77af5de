import { invalid, Path } from "../../api/field.ts";
import { integerFault } from "../../api/go-integers.ts";
import type { AnyObject } from "../../api/object.ts";
import type { RequestOptions } from "../../api/request.ts";
import {
  type FieldRequirement,
  type LabelMatcher,
  parseFieldSelector,
  parseLabelSelector,
} from "../../api/selector.ts";
import { badRequest, StatusError } from "../../api/status.ts";
import { Compacted, type Entry, type Store } from "../../store/contract.ts";
import type { Call } from "../call.ts";
import type { Answer } from "./answer.ts";
import { readContinueToken, writeContinueToken } from "./continue-token.ts";
import { convertEntries } from "./custom/forms.ts";
import type { Registry } from "./deps.ts";
import { heldObject, objectIn } from "./held.ts";
import { unsupported } from "./options.ts";
import { valueAt } from "./paths.ts";
import { type Resource, storeKey, storePrefix } from "./resources.ts";

/** Which objects of a resource a request is about. */
export interface Selection {
  /** Undefined: all. What a webhook converts was converted before, where it `readsFields`. */
  readonly matches: ((entry: Entry) => boolean) | undefined;
  /** The same of an object that lies nowhere, in the version of the request. */
  shows(object: AnyObject): boolean;
  /** Fields are named as the version of the request names them: objects are looked at in that one. */
  readonly readsFields: boolean;
  /** The name that a field selector demands, if it demands one. */
  readonly name: string | undefined;
}

/** @throws {StatusError} BadRequest where a selector cannot be read or names a field that cannot be selected by */
export function selectionOf(
  resource: Resource,
  { labelSelector, fieldSelector }: Pick<RequestOptions, "labelSelector" | "fieldSelector">,
): Selection {
  const labels = labelSelector ? parseLabelSelector(labelSelector) : undefined;
  const fields = fieldSelector ? parseFieldSelector(fieldSelector) : [];
  const readers = fields.map((requirement) => ({ requirement, read: fieldReader(resource, requirement) }));
  const name = fields.find(({ field, equal }) => field === "metadata.name" && equal)?.value;
  const readsFields = readers.length > 0;
  const shows = (object: AnyObject): boolean =>
    labelsMatch(labels, object) &&
    readers.every(({ requirement: { equal, value }, read }) => (read(object) === value) === equal);
  if (!labels?.requirements.length && !readsFields) return { matches: undefined, shows, readsFields, name };
  return {
    matches: (entry) => shows(readsFields ? objectIn(resource, entry) : heldObject(entry)),
    shows,
    readsFields,
    name,
  };
}

function labelsMatch(labels: LabelMatcher | undefined, object: AnyObject): boolean {
  return labels?.matches(object.metadata.labels) ?? true;
}

function fieldReader(resource: Resource, { field }: FieldRequirement): (object: AnyObject) => string {
  const { scope, strategy } = resource.kind;
  const { selectable = [], unselectable } = strategy;
  // Kinds that say themselves what can be selected by know that their objects are in no namespace; others are not asked.
  const saysItself = resource.custom !== undefined || selectable.length > 0;
  if (field === "metadata.name") return (object) => object.metadata.name;
  if (field === "metadata.namespace" && !(saysItself && scope === "Cluster"))
    return (object) => object.metadata.namespace ?? "";
  for (const entry of selectable) {
    if (entry === field) return (object) => textAt(object, field);
    if (typeof entry !== "string" && entry.field === field) return (object) => entry.value(object);
  }
  if (saysItself) throw badRequest(unselectable?.(field) ?? `field label not supported: ${field}`);
  throw badRequest(
    `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

function textAt(object: AnyObject, path: string): string {
  const value = valueAt(object, path);
  return value === undefined || value === null ? "" : String(value);
}

export interface EntryList {
  readonly entries: readonly Entry[];
  readonly revision: number;
  readonly continue: string | undefined;
  readonly remaining: number | undefined;
}

/** The list that a request asks for, a page of it if it asks for that (Kubernetes docs, "Retrieving large results sets in chunks"). */
export async function listEntries(registry: Registry, call: Call, options: RequestOptions): Promise<EntryList> {
  const { store } = registry;
  const selection = selectionOf(call.resource, options);
  const prefix = storePrefix(call.resource, call.namespace);
  const nowMs = registry.clock.now();
  const page: Page = options.continue
    ? continued(store, prefix, options, nowMs)
    : { revision: exactRevision(store, options), after: undefined, prefix, nowMs };
  if (page.revision !== undefined && page.revision < registry.oldestRevision) throw tooOld(page);
  // A list "at any version" is one whole list: the server's own cache gives Kubernetes no pages either.
  const limit = options.resourceVersion === "0" ? undefined : options.limit || undefined;
  try {
    const isOneKey = call.namespace !== undefined || call.resource.kind.scope === "Cluster";
    if (selection.name !== undefined && isOneKey && page.revision === undefined)
      return await onlyNamed(store, call, selection, selection.name);
    return selection.matches ? await filtered(store, call, { page, limit, selection }) : plain(store, page, limit);
  } catch (error) {
    throw error instanceof Compacted ? tooOld(page) : error;
  }
}

interface Page {
  readonly revision: number | undefined;
  /** The last key that the client has; undefined: it has none yet. */
  readonly after: string | undefined;
  readonly prefix: string;
  readonly nowMs: number;
}

function plain(store: Store, page: Page, limit: number | undefined): EntryList {
  const { prefix, revision, after } = page;
  const result = store.list(prefix, {
    ...(revision !== undefined && { revision }),
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
  });
  const more = limit !== undefined && result.remaining > 0;
  return {
    entries: result.entries,
    revision: result.revision,
    continue: more ? continueToken(page, result.entries.at(-1)?.key, result.revision) : undefined,
    remaining: more ? result.remaining : undefined,
  };
}

/** With a selector nobody knows how much is left without looking at all of it; so that is not said. */
async function filtered(
  store: Store,
  { resource }: Call,
  { page, limit, selection }: { page: Page; limit: number | undefined; selection: Selection },
): Promise<EntryList> {
  const { prefix, revision, after } = page;
  const all = store.list(prefix, {
    ...(revision !== undefined && { revision }),
    ...(after !== undefined && { after }),
  });
  if (selection.readsFields) await convertEntries(resource, all.entries);
  const entries: Entry[] = [];
  for (const [i, entry] of all.entries.entries()) {
    if (!selection.matches?.(entry)) continue;
    entries.push(entry);
    if (entries.length === limit && i + 1 < all.entries.length)
      return {
        entries,
        revision: all.revision,
        continue: continueToken(page, entry.key, all.revision),
        remaining: undefined,
      };
  }
  return { entries, revision: all.revision, continue: undefined, remaining: undefined };
}

async function onlyNamed(store: Store, call: Call, { matches }: Selection, name: string): Promise<EntryList> {
  const { revision } = store;
  const entry = store.get(storeKey(call.resource, call.namespace, name));
  if (entry) await convertEntries(call.resource, [entry]);
  const entries = entry && (matches?.(entry) ?? true) ? [entry] : [];
  return { entries, revision, continue: undefined, remaining: undefined };
}

/** The revision that the list must show; undefined: the newest, which is newer than any that "not older than" names. */
function exactRevision(
  store: Store,
  { resourceVersion, resourceVersionMatch, limit }: RequestOptions,
): number | undefined {
  if (!resourceVersion || resourceVersion === "0") return undefined;
  const revision = parseRevision(resourceVersion, (text) => badRequest(`invalid resource version: ${text}`));
  if (revision > store.revision) throw futureRevision(revision, store.revision);
  // A page at a revision has always been a page at exactly that one (API concepts, "Semantics for get and list").
  const isExact = resourceVersionMatch ? resourceVersionMatch === "Exact" : limit !== undefined;
  return isExact ? revision : undefined;
}

export function parseRevision(text: string, error: (text: string) => StatusError): number {
  const fault = integerFault(text, "uint64");
  if (fault) throw error(`resourceVersion: Invalid value: ${JSON.stringify(text)}: ${fault}`);
  return Number(text);
}

/** Kubernetes waits a while for such a revision to come; here what is acknowledged is visible, so it will not come. */
export function futureRevision(asked: number, newest: number): StatusError {
  return new StatusError("Timeout", `Timeout: Too large resource version: ${asked}, current: ${newest}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** As long as Kubernetes keeps what a list of several pages shows: clients are to see the same end of it. */
const tokenLifeMs = 5 * 60_000;

function continueToken({ prefix, nowMs }: Page, last: string | undefined, revision: number): string {
  const start = `${last?.slice(prefix.length)}\0`;
  return writeContinueToken({ v: "meta.k8s.io/v1", rv: revision, start, at: nowMs });
}

function continued(store: Store, prefix: string, options: RequestOptions, nowMs: number): Page {
  const token = readContinueToken(options.continue ?? "");
  if (options.resourceVersion && options.resourceVersion !== "0")
    throw badRequest("specifying resource version is not allowed when using continue");
  const after = prefix + token.start.replace(/\0$/, "");
  // -1: what is left is shown as it is now, because the list that was begun is forgotten.
  const page = { revision: token.rv < 0 ? undefined : Math.min(token.rv, store.revision), after, prefix, nowMs };
  if (page.revision !== undefined && nowMs - (token.at ?? nowMs) > tokenLifeMs) throw tooOld(page);
  return page;
}

/** What was begun is forgotten; a list of several pages may go on with what there is now. */
function tooOld(page: Page): StatusError {
  if (page.after === undefined)
    return new StatusError("Expired", "The resourceVersion for the provided list is too old.");
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  return new StatusError("Expired", message, undefined, undefined, continueToken(page, page.after, -1));
}

/** @throws {StatusError} Invalid, where options of a list or a watch contradict each other */
export function refuseContradictions(
  options: Pick<RequestOptions, "continue" | "resourceVersion"> & {
    readonly resourceVersionMatch?: string | undefined;
  },
  watch: boolean,
  sendInitialEvents: boolean | undefined,
): void {
  const errors = matchErrors(options, watch, sendInitialEvents);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
}

const matchAt = new Path("resourceVersionMatch");

function matchErrors(
  options: Parameters<typeof refuseContradictions>[0],
  watch: boolean,
  sendInitialEvents: boolean | undefined,
) {
  const { resourceVersionMatch: match, resourceVersion, continue: token } = options;
  if (watch) {
    if (sendInitialEvents !== undefined) {
      const errors = [];
      if (match !== "NotOlderThan") {
        errors.push(matchAt.forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
        if (match) errors.push(matchAt.notSupported(match, ["NotOlderThan"]));
      }
      if (token) errors.push(matchAt.forbidden("resourceVersionMatch is forbidden when continue is provided"));
      return errors;
    }
    if (match) {
      const errors = [
        matchAt.forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
      ];
      if (match !== "NotOlderThan") errors.push(matchAt.notSupported(match, ["NotOlderThan"]));
      return errors;
    }
    return token ? [matchAt.forbidden("resourceVersionMatch is forbidden when continue is provided")] : [];
  }
  if (sendInitialEvents !== undefined)
    return [new Path("sendInitialEvents").forbidden("sendInitialEvents is forbidden for list")];
  if (!match) return [];
  const errors = [];
  if (!resourceVersion)
    errors.push(matchAt.forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
  if (token) errors.push(matchAt.forbidden("resourceVersionMatch is forbidden when continue is provided"));
  if (match !== "Exact" && match !== "NotOlderThan")
    errors.push(unsupported(matchAt, match, ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && resourceVersion === "0")
    errors.push(matchAt.forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return errors;
}

export async function listAnswer(registry: Registry, call: Call): Promise<Answer> {
  const { entries, revision, continue: token, remaining } = await listEntries(registry, call, call.options);
  return {
    sort: "list",
    resource: call.resource,
    items: entries,
    revision: String(revision),
    continue: token,
    remaining,
  };
}
