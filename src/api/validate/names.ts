/**
 * What names and other short texts look like (Kubernetes docs, "Object Names and IDs" and "Labels and Selectors").
 * Each returns what is wrong with a text, in the words clients see; nothing when it is well formed.
 */
export type TextRule = (text: string) => readonly string[];

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const searchDomain = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedPart = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValueText = `(${qualifiedPart})?`;
const wildcard = `\\*\\.${subdomain}`;
const configMapKeyText = "[-._a-zA-Z0-9]+";
const cIdentifierText = "[A-Za-z_][A-Za-z0-9_]*";

const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const wildcardMessage =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";

const [labelPattern, subdomainPattern, qualifiedPattern] = [label, subdomain, qualifiedPart].map(whole) as [
  RegExp,
  RegExp,
  RegExp,
];

/** RFC 1123 label: at most 63 of a-z, 0-9 and "-". */
export const dnsLabel: TextRule = (text) => [
  ...tooLong(text, 63, "characters"),
  // A subdomain fails for its dots alone.
  ...(labelPattern.test(text)
    ? []
    : [subdomainPattern.test(text) ? "must not contain dots" : expected(labelMessage, label, ["my-name", "123-abc"])]),
];
/** RFC 1123 subdomain: labels with dots between them, at most 253. */
export const dnsSubdomain: TextRule = textRule(subdomain, 253, subdomainMessage, ["example.com"]);
/** RFC 1035 label: does not begin with a digit. */
export const dnsLabel1035: TextRule = textRule(label1035, 63, label1035Message, ["my-name", "abc-123"]);
/** A subdomain behind "*.". */
export const wildcardDnsSubdomain: TextRule = textRule(wildcard, 253, wildcardMessage, ["*.example.com"]);
export const labelValue: TextRule = textRule(
  labelValueText,
  63,
  labelValueMessage,
  ["MyValue", "my_value", "12345"],
  "bytes",
);

/** A domain in a resolver's search list, where labels may begin with an underscore. */
export const relaxedSearchDomain: TextRule = textRule(
  searchDomain,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  ["example.com"],
);

/** Names of environment variables. */
export const envName: TextRule = (text) =>
  /^[ -<>-~]+$/.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

export const cIdentifier: TextRule = (text) =>
  whole(cIdentifierText).test(text)
    ? []
    : [
        expected(
          "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
          cIdentifierText,
          ["my_name", "MY_NAME", "MyName"],
        ),
      ];

/** The keys of ConfigMaps and Secrets. */
export const configMapKey: TextRule = (text) => [
  ...tooLong(text, 253, "characters"),
  ...(whole(configMapKeyText).test(text)
    ? text === "."
      ? ["must not be '.'"]
      : text === ".."
        ? ["must not be '..'"]
        : text.startsWith("..")
          ? ["must not start with '..'"]
          : []
    : [
        expected("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", configMapKeyText, [
          "key.name",
          "KEY_NAME",
          "key-name",
        ]),
      ]),
];

/** A name of a part of a path: of roles, for example, which may contain colons. */
export const pathSegment: TextRule = (text) => {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"].filter((mark) => text.includes(mark)).map((mark) => `may not contain '${mark}'`);
};

/** "name" or "example.com/name": keys of labels and annotations, names of resources and finalizers. */
export const qualifiedName: TextRule = (text) => {
  const parts = text.split("/");
  if (parts.length > 2)
    return [
      `${expected(`a valid label key ${qualifiedMessage}`, qualifiedPart, ["MyName", "my.name", "123-abc"])} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const [prefix, name] = parts.length === 2 ? (parts as [string, string]) : [undefined, parts[0] as string];
  return [
    ...(prefix === undefined ? [] : prefix ? dnsSubdomain(prefix) : ["must be non-empty"]).map(
      (wrong) => `prefix part ${wrong}`,
    ),
    ...(name ? tooLong(name, 63, "bytes") : ["must be non-empty"]).map((wrong) => `name part ${wrong}`),
    ...(qualifiedPattern.test(name)
      ? []
      : [`name part ${expected(qualifiedMessage, qualifiedPart, ["MyName", "my.name", "123-abc"])}`]),
  ];
};

/** A fully qualified domain: a subdomain of at least three labels. */
export const qualifiedDomain: TextRule = (text) => {
  const wrong = dnsSubdomain(text);
  if (wrong.length > 0) return wrong;
  return text.split(".").length < 3 ? ["should be a domain with at least three segments separated by dots"] : [];
};

/** "example.com/path": a subdomain, a slash and a path. */
export const domainPrefixedPath: TextRule = (text) => {
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1) return [`must be a domain-prefixed path (such as "acme.io/foo")`];
  const path = text.slice(slash + 1);
  return [
    ...dnsSubdomain(text.slice(0, slash)),
    ...(/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)
      ? []
      : [expected("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", [])]),
  ];
};

/** Names of a container's ports, by which Services and probes mean them. */
export const portName: TextRule = (text) => [
  ...(text.length > 15 ? ["must be no more than 15 characters"] : []),
  ...(/^[-a-z0-9]+$/.test(text) ? [] : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
  ...(/[a-z]/.test(text) ? [] : ["must contain at least one letter (a-z)"]),
  ...(text.includes("--") ? ["must not contain consecutive hyphens"] : []),
  ...(text.startsWith("-") || text.endsWith("-") ? ["must not begin or end with a hyphen"] : []),
];

/** For names to which a suffix will be added: whether the name without a trailing dash fits. */
export function asPrefix(rule: TextRule): TextRule {
  return (text) => rule(text.endsWith("-") ? `${text.slice(0, -1)}a` : text);
}

function textRule(
  regex: string,
  maxLength: number,
  message: string,
  examples: readonly string[],
  unit: "bytes" | "characters" = "characters",
): TextRule {
  const pattern = whole(regex);
  return (text) => [
    ...tooLong(text, maxLength, unit),
    ...(pattern.test(text) ? [] : [expected(message, regex, examples)]),
  ];
}

/** Of labels' keys and values clients are told bytes, of other names characters. */
function tooLong(text: string, max: number, unit: "bytes" | "characters"): string[] {
  return text.length > max ? [`must be no more than ${max} ${unit}`] : [];
}

function whole(regex: string): RegExp {
  return new RegExp(`^(?:${regex})$`);
}

function expected(message: string, regex: string, examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${regex}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(" or ")}regex used for validation is '${regex}')`;
}
