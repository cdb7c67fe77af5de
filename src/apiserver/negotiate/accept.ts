import { StatusError } from "../../api/status.ts";

/** The form in which a client wants its answer. */
export interface Form {
  readonly encoding: "json" | "yaml" | "protobuf";
  /** Instead of the objects themselves (Kubernetes docs, "API concepts", "Receiving resources as Tables" and "Metadata-only fetches"). */
  readonly as: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | undefined;
  readonly asVersion: "v1" | "v1beta1";
  readonly pretty: boolean;
}

export const plainJson: Form = { encoding: "json", as: undefined, asVersion: "v1", pretty: false };

const encodings = new Map<string, Form["encoding"]>([
  ["application/json", "json"],
  ["application/yaml", "yaml"],
  ["application/vnd.kubernetes.protobuf", "protobuf"],
]);
const offered = [...encodings.keys()].join(", ");
const streamed = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

interface Clause {
  readonly type: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

// Clients send a handful of different headers; each is parsed once. The bound keeps a hostile client from filling it.
const known = new Map<string, Form>();
const mostKnown = 200;

/** What the form of an answer depends on beside the client's wish. */
export interface Formable {
  /** It is of a custom resource. */
  readonly custom?: boolean;
  /** It can be shown as a table: not so what the server only does when asked, such as a review. */
  readonly printed?: boolean;
}

/**
 * Chooses the form of an answer.
 * @throws {StatusError} NotAcceptable
 */
export function formFor(
  accept: string | undefined,
  what: "object" | "watch" = "object",
  { custom = false, printed = true }: Formable = {},
): Form {
  if (!accept) return plainJson;
  const key = `${what} ${custom} ${printed} ${accept}`;
  let form = known.get(key);
  if (!form) {
    form = choose(accept, what, { custom, printed });
    if (known.size < mostKnown) known.set(key, form);
  }
  return form;
}

function choose(accept: string, what: "object" | "watch", { custom, printed }: Formable): Form {
  const clauses = accept.split(",").map(clauseFrom);
  if (!clauses.some(({ type }) => type === "*/*" || encodings.has(type)))
    throw new StatusError("NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${offered}`, {});
  const ranked = clauses.toSorted((a, b) => b.quality - a.quality);
  for (const clause of ranked) {
    const form = formOf(clause);
    if (!form || (what === "watch" && form.encoding === "yaml") || (form.as === "Table" && !printed)) continue;
    // The type of a custom resource has no protobuf form; its metadata has.
    if (!(custom && form.encoding === "protobuf" && !form.as)) return form;
  }
  const message = `only the following media types are accepted: ${what === "watch" ? streamed : offered}`;
  throw new StatusError("NotAcceptable", message);
}

function clauseFrom(text: string): Clause {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(
    rest.map((part): [string, string] => {
      const [name = "", value = ""] = part.split("=", 2);
      return [name.trim().toLowerCase(), value.trim()];
    }),
  );
  const quality = Number(parameters.get("q") ?? 1);
  return { type, quality: Number.isFinite(quality) ? quality : 0, parameters };
}

function formOf({ type, parameters }: Clause): Form | undefined {
  const encoding: Form["encoding"] | undefined =
    type === "*/*" || type === "application/*" ? "json" : encodings.get(type);
  if (!encoding) return undefined;
  const pretty = parameters.get("pretty") === "1";
  const as = parameters.get("as");
  if (as === undefined) return { encoding, as: undefined, asVersion: "v1", pretty };
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (as === "Table") return encoding === "protobuf" ? undefined : { encoding, as, asVersion: version, pretty };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
    return { encoding, as, asVersion: version, pretty };
  return undefined;
}

/** The Content-Type of an answer. */
export function contentTypeOf({ encoding }: Form): string {
  return encoding === "protobuf" ? "application/vnd.kubernetes.protobuf" : `application/${encoding}`;
}

/** The encoding of a request's body. @throws {StatusError} UnsupportedMediaType */
export function bodyEncoding(contentType: string | undefined): Form["encoding"] {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  const encoding = type ? encodings.get(type) : "json";
  if (encoding) return encoding;
  throw new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${offered}`,
  );
}
