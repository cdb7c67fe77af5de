import { integerFault } from "../../api/go-integers.ts";
import type { RequestOptions } from "../../api/request.ts";
import { badRequest } from "../../api/status.ts";
import { type OptionsKind, refuseInvalidOptions } from "../registry/options.ts";

const noQuery = new URLSearchParams();

/** The parts of a request's target. */
export function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: noQuery }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

/** A boolean parameter: there without a value is true; only "false" and "0" are not. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return !(value === "0" || value.toLowerCase() === "false");
}

/** A whole number; a parameter without a value is 0. @throws {StatusError} BadRequest */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  const fault = value === "" ? undefined : integerFault(value, "int64");
  if (fault) throw badRequest(fault);
  return Number(value);
}

/** The options of a get, list or watch. */
export interface ReadOptions extends RequestOptions {
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
  /** As it came; anything but Exact and NotOlderThan is refused before it is used. */
  readonly matchText: string;
}

export function readOptions(query: URLSearchParams): ReadOptions {
  const matchText = query.get("resourceVersionMatch") ?? "";
  const limit = integer(query, "limit");
  return {
    labelSelector: query.get("labelSelector") ?? undefined,
    fieldSelector: query.get("fieldSelector") ?? undefined,
    limit: limit !== undefined && limit > 0 ? limit : undefined,
    continue: query.get("continue") || undefined,
    resourceVersion: query.get("resourceVersion") || undefined,
    resourceVersionMatch: matchText === "Exact" || matchText === "NotOlderThan" ? matchText : undefined,
    matchText,
    watch: flag(query, "watch") ?? false,
    allowWatchBookmarks: flag(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: flag(query, "sendInitialEvents"),
    timeoutSeconds: integer(query, "timeoutSeconds"),
  };
}

/** The options of a create, update or patch. @throws {StatusError} Invalid */
export function writeOptions(kind: OptionsKind, query: URLSearchParams, isApply = false): RequestOptions {
  if (query.size === 0 && !isApply) return {};
  const dryRun = query.getAll("dryRun");
  const fieldManager = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") ?? "";
  const force = flag(query, "force");
  refuseInvalidOptions(
    kind,
    { dryRun, fieldManager, fieldValidation, force, propagationPolicy: undefined, orphanDependents: undefined },
    isApply,
  );
  return {
    dryRun: dryRun.length > 0,
    fieldManager: fieldManager || undefined,
    fieldValidation: (fieldValidation || undefined) as RequestOptions["fieldValidation"],
    force,
  };
}

/** What a DeleteOptions object looks like, from a body. */
export interface DeleteOptionsBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly orphanDependents?: boolean;
  readonly propagationPolicy?: string;
  readonly dryRun?: readonly string[];
}

/** The options of a delete: those of the body if there is one, else those of the query. @throws {StatusError} */
export function deleteOptions(body: DeleteOptionsBody | undefined, query: URLSearchParams): RequestOptions {
  const given = body ?? bodyFromQuery(query);
  const kindGiven = given.kind ?? "";
  if (kindGiven && kindGiven !== "DeleteOptions")
    throw badRequest(
      `no kind ${JSON.stringify(kindGiven)} is registered for version ${JSON.stringify(given.apiVersion ?? "")} in scheme "pkg/apis/meta/internalversion/scheme/register.go:27"`,
    );
  const { propagationPolicy, orphanDependents, dryRun = [], gracePeriodSeconds, preconditions } = given;
  refuseInvalidOptions(
    "DeleteOptions",
    {
      dryRun,
      fieldManager: "",
      fieldValidation: "",
      force: undefined,
      propagationPolicy: propagationPolicy || undefined,
      orphanDependents,
    },
    false,
  );
  return {
    dryRun: dryRun.length > 0,
    gracePeriodSeconds,
    orphanDependents,
    propagationPolicy: (propagationPolicy || undefined) as RequestOptions["propagationPolicy"],
    preconditions,
  };
}

function bodyFromQuery(query: URLSearchParams): DeleteOptionsBody {
  if (query.size === 0) return {};
  const gracePeriodSeconds = integer(query, "gracePeriodSeconds");
  const orphanDependents = flag(query, "orphanDependents");
  const propagationPolicy = query.get("propagationPolicy");
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(orphanDependents !== undefined && { orphanDependents }),
    ...(propagationPolicy && { propagationPolicy }),
    dryRun: query.getAll("dryRun"),
  };
}

/** @throws {StatusError} where the timeout is none that Go could read */
export function refuseBadTimeout(query: URLSearchParams): void {
  const timeout = query.get("timeout");
  if (timeout && !/^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$/.test(timeout))
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(timeout)}`,
    );
}
