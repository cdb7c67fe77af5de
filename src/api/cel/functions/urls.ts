import { CelError, EntryMap, ListValue, OpaqueValue } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

class UrlValue extends OpaqueValue {
  override readonly typeName = "kubernetes.URL";
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  override readonly size: number;

  constructor(text: string, parts: { scheme: string; host: string; path: string; query: string }) {
    super();
    this.text = text;
    this.size = text.length;
    this.scheme = parts.scheme;
    this.host = parts.host;
    this.path = parts.path;
    this.query = parts.query;
  }
  override equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }
}

/** An absolute URI or an absolute path, as Go's net/url takes it apart. */
function parsed(text: string): UrlValue | undefined {
  const [whole, scheme = "", authority, path = "", query = ""] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/.exec(text) ?? [];
  if (whole === undefined || text === "" || hasControl(text)) return undefined;
  if (scheme === "" && !text.startsWith("/")) return undefined;
  const host = (authority ?? "").replace(/^.*@/, "");
  if (!/^(\[[0-9A-Fa-f:.%]+\]|[^:[\]]*)(:\d*)?$/.test(host) || /[ <>"]/.test(host)) return undefined;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  return new UrlValue(text, { scheme: scheme.toLowerCase(), host, path, query });
}

function hasControl(text: string): boolean {
  return [...text].some((character) => character < " " || character === "\x7f");
}

function read(text: string): UrlValue {
  const url = parsed(text);
  if (!url)
    throw new CelError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${text === "" ? "empty url" : "invalid URI for request"}`,
    );
  return url;
}

function queryOf({ query }: UrlValue): EntryMap {
  const keys = [...new Set([...new URLSearchParams(query).keys()])];
  const values = new URLSearchParams(query);
  return new EntryMap(keys.map((key) => [key, new ListValue(values.getAll(key))]));
}

const type = "kubernetes.URL";

/** Kubernetes docs, "Common Expression Language in Kubernetes", section "Kubernetes URL library". */
export const urls: Overload[] = [
  overload("string_to_url", `url(string): ${type}`, read),
  overload("is_url_string", "isURL(string): bool", (text: string) => parsed(text) !== undefined),
  overload("url_get_scheme", `(${type}).getScheme(): string`, ({ scheme }: UrlValue) => scheme),
  overload("url_get_host", `(${type}).getHost(): string`, ({ host }: UrlValue) => host),
  overload("url_get_hostname", `(${type}).getHostname(): string`, ({ host }: UrlValue) =>
    host.replace(/:\d*$/, "").replace(/^\[|\]$/g, ""),
  ),
  overload("url_get_port", `(${type}).getPort(): string`, ({ host }: UrlValue) => /:(\d*)$/.exec(host)?.[1] ?? ""),
  overload("url_get_escaped_path", `(${type}).getEscapedPath(): string`, ({ path }: UrlValue) =>
    encodeURI(path).replace(/%25([0-9A-Fa-f]{2})/g, "%$1"),
  ),
  overload("url_get_query", `(${type}).getQuery(): map(string, list(string))`, queryOf),
];
