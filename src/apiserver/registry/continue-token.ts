import { JsonError, parseJson } from "../../api/schema/json.ts";
import { badRequest, type StatusError } from "../../api/status.ts";

/** Where a list of several pages goes on. */
export interface ContinueToken {
  readonly v: "meta.k8s.io/v1";
  /** -1: as things are now. */
  readonly rv: number;
  /** The last key that the client has, behind the list's prefix. */
  readonly start: string;
  /** When it was given, in milliseconds since 1970. */
  readonly at?: number;
}

export function writeContinueToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** @throws {StatusError} BadRequest, in Kubernetes' words for what is wrong with a token */
export function readContinueToken(text: string): ContinueToken {
  const { v = "", rv = 0, start = "", at } = fieldsOf(text);
  if (v !== "meta.k8s.io/v1") throw bad(`: server does not recognize this encoded version ${v}`);
  if (rv === 0) throw bad(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (start === "") throw bad(": encoded start key empty (version meta.k8s.io/v1)");
  if (leadsElsewhere(start)) throw bad(`: ${start}`);
  return { v, rv, start, ...(at !== undefined && { at }) };
}

function bad(why: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}

interface TokenFields {
  readonly v?: string;
  readonly rv?: number;
  readonly start?: string;
  readonly at?: number;
}

const fieldTypes = { v: ["string", "string"], rv: ["number", "int64"], start: ["string", "string"] } as const;

function fieldsOf(text: string): TokenFields {
  const illegal = text.length % 4 === 1 ? text.length - 1 : -1;
  const at = /[^\w-]/.exec(text)?.index ?? illegal;
  if (at >= 0) throw bad(`: illegal base64 data at input byte ${at}`);
  const value = parsed(Buffer.from(text, "base64url").toString("latin1"));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(`: json: cannot unmarshal ${goSort(value)} into Go value of type storage.continueToken`);
  const fields = value as Readonly<Record<string, unknown>>;
  for (const [name, [type, goType]] of Object.entries(fieldTypes)) {
    const field = fields[name] ?? undefined;
    if (field !== undefined && typeof field !== type)
      throw bad(
        `: json: cannot unmarshal ${goSort(field)} into Go struct field continueToken.${name} of type ${goType}`,
      );
  }
  return fields;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text).value ?? {};
  } catch (error) {
    throw error instanceof JsonError ? bad(`: ${error.message}`) : error;
  }
}

function goSort(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** A key may not lead out of its list: it is written as the store writes keys. */
function leadsElsewhere(start: string): boolean {
  const steps = start.replace(/^\//, "").split("/");
  return start !== "/" && steps.some((step) => step === "" || step === "." || step === "..");
}
