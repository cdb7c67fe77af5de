import { posix } from "node:path";

/** Where a page was asked for, and where it came from. */
export interface PagePlace {
  /** What stands before the page's own path on this server: "/api/v1/namespaces/default/pods/web:8080/proxy". */
  readonly prefix: string;
  /** The address and port of what answered. */
  readonly sourceHost: string;
  /** The name by which the client calls this server. */
  readonly requestHost: string;
}

/** The attributes that hold addresses (HTML 4.01, "Index of the HTML 4 attributes", and what HTML 5 added). */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/**
 * The address that leads to the same place through the proxy. Addresses of other servers stay, and so do those that are
 * relative: they go on from the page's own.
 */
export function linkThroughProxy(link: string, { prefix, sourceHost, requestHost }: PagePlace): string {
  const [, scheme = "", , host = "", path = "", rest = ""] =
    /^([a-z][a-z0-9+.-]*:)?(\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(link) ?? [];
  const isElsewhere = host !== "" && host !== sourceHost && host !== requestHost;
  if (isElsewhere || !path.startsWith("/")) return link;
  const place = host !== "" && host === requestHost ? `${scheme}//${host}` : "";
  return place + (path.startsWith(prefix) ? path : posix.join(prefix, path)) + rest;
}

// A comment; an element whose text is no markup; a start tag with its attributes.
const markup =
  /<!--.*?(?:-->|$)|(<(script|style|textarea|title|xmp|noembed|noframes)\b(?:"[^"]*"|'[^']*'|[^'">])*>)(.*?)(?=<\/\2|$)|<([a-z][^\s/>]*)(?:"[^"]*"|'[^']*'|[^'">])*>/gis;
const attribute = /(\s)([^\s=>"'/]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;

/** A page whose links lead through the proxy. */
export function pageThroughProxy(page: string, place: PagePlace): string {
  return page.replace(markup, (all, raw: string | undefined, rawName: string, text: string, name: string) => {
    if (raw !== undefined) return withLinks(raw, rawName, place) + text;
    return name === undefined ? all : withLinks(all, name, place);
  });
}

function withLinks(tag: string, element: string, place: PagePlace): string {
  const names = linkAttributes[element.toLowerCase()] ?? [];
  if (names.length === 0) return tag;
  return tag.replace(attribute, (all, space: string, name: string, equals: string, value: string) => {
    if (!names.includes(name.toLowerCase())) return all;
    const quote = /^["']/.exec(value)?.[0] ?? "";
    const link = value.slice(quote.length, value.length - quote.length);
    return `${space}${name}${equals}${quote}${linkThroughProxy(link, place)}${quote}`;
  });
}
