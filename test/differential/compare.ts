/*
 * Whether an answer is the recorded one. A placeholder stands for a value of its sort; a numbered one (`<uid-2>`) for the
 * same value wherever it occurs in the scenario.
 */
const sorts: Readonly<Record<string, string>> = {
  uid: "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
  rv: "\\d+",
  "list-rv": "\\d+",
  clusterIP: "10\\.43\\.\\d+\\.\\d+",
  nodePort: "\\d+",
  time: "\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:Z|\\+00:00| \\+0000 UTC(?: m=[+\\d.]+)?)",
  age: "(?:\\d+[ydhms])+",
  continue: ".+",
  token: "[\\w-]+\\.[\\w-]+\\.[\\w-]*",
  hash: "[0-9A-F]+",
  random: "[a-z0-9]{5,10}",
  etag: ".*",
  n: ".*",
  kid: ".*",
  date: ".*",
  "audit-id": ".*",
  "last-modified": ".*",
};
const placeholder = new RegExp(`<(${Object.keys(sorts).join("|")})(?:-(\\d+))?>`, "g");

/** Explanations of columns and fields are a server's own words. */
const prose =
  /\.(?:columnDefinitions\.\d+|properties\.[^.]+|schemas\..*|definitions\..*|get|put|post|patch|delete|parameters\.\d+|responses\..*)$/;

/** What one scenario's placeholders have stood for so far. */
export class Comparison {
  readonly #values = new Map<string, string>();

  /** The differences, one a line; none where the answer is the recorded one. */
  differences(was: unknown, is: unknown, at = ""): string[] {
    if (typeof was === "string" && (typeof is === "string" || typeof is === "number"))
      return this.#matches(was, String(is), typeof is === "number")
        ? []
        : [`${at}: ${shown(was)} is here ${shown(is)}`];
    if (Array.isArray(was) && Array.isArray(is)) {
      const actual = at.endsWith(".managedFields") ? inRecordedOrder(is) : is;
      const longest = Math.max(was.length, actual.length);
      return Array.from({ length: longest }, (_, i) => this.differences(was[i], actual[i], `${at}.${i}`)).flat();
    }
    if (isFields(was) && isFields(is)) return this.#fieldDifferences(was, is, at);
    return was === is ? [] : [`${at}: ${shown(was)} is here ${shown(is)}`];
  }

  #fieldDifferences(was: Fields, is: Fields, at: string): string[] {
    const left = new Set(Object.keys(is));
    const found: string[] = [];
    for (const [key, value] of Object.entries(was)) {
      const named = left.has(key)
        ? key
        : [...left].find((other) => key.includes("<") && this.#matches(key, other, false));
      if (named !== undefined) left.delete(named);
      if (key === "description" && prose.test(at)) continue;
      found.push(...this.differences(value, named === undefined ? undefined : is[named], `${at}.${key}`));
    }
    for (const key of left)
      if (is[key] !== undefined && !(key === "description" && prose.test(at)))
        found.push(`${at}.${key}: is here ${shown(is[key])}`);
    return found;
  }

  /** A number is written as a text only where a placeholder stands for it. */
  #matches(was: string, is: string, isNumber: boolean): boolean {
    const names = [...was.matchAll(placeholder)];
    if (names.length === 0) return was === is && !isNumber;
    const literals = was.split(placeholder).filter((_, i) => i % 3 === 0);
    const pattern = literals
      .map((text, i) => escaped(text) + (names[i] ? `(${sorts[names[i][1] ?? ""]})` : ""))
      .join("");
    const match = new RegExp(`^${pattern}$`, "s").exec(is);
    if (!match) return false;
    return names.every(([name, , number], i) => number === undefined || this.#isSame(name, match[i + 1] ?? ""));
  }

  #isSame(name: string, value: string): boolean {
    const before = this.#values.get(name);
    if (before === undefined) this.#values.set(name, value);
    return before === undefined || before === value;
  }

  /** Whether protobuf bytes are the recorded ones, where fixed values stand for what differs. */
  isSameMessage(was: Buffer, is: Buffer): boolean {
    if (was.equals(is)) return true;
    const fixed = fixedValues.find(({ recorded }) => recorded.test(was.toString("latin1")));
    if (fixed) return fixed.actual.test(is.toString("latin1"));
    const magic = Buffer.from("k8s\0");
    if (was.subarray(0, 4).equals(magic) && is.subarray(0, 4).equals(magic))
      return this.isSameMessage(was.subarray(4), is.subarray(4));
    const [left, right] = [fieldsOf(was), fieldsOf(is)];
    if (!left || !right || left.length !== right.length) return false;
    return left.every(({ tag, value }, i) => {
      const other = right[i];
      if (other?.tag !== tag) return false;
      if (Buffer.isBuffer(value)) return Buffer.isBuffer(other.value) && this.isSameMessage(value, other.value);
      return value === other.value || (tag === 8n && value === recordedSeconds && typeof other.value === "bigint");
    });
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The real order of managedFields depends on the second in which each was written. */
function inRecordedOrder(entries: readonly unknown[]): unknown[] {
  const key = (entry: unknown): string => {
    const { operation, manager, subresource = "", apiVersion } = entry as Record<string, string>;
    return [operation, manager, subresource, apiVersion].join(" ");
  };
  return [...entries].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

const recordedSeconds = 1_700_000_000n;
const fixedValues = [
  { recorded: /^00000000-0000-4000-8000-\d{12}$/, actual: new RegExp(`^${sorts.uid}$`) },
  { recorded: /^0000\d$|^000\d\d$|^00\d{3}$/, actual: /^\d+$/ },
  { recorded: /^10\.43\.255\.\d+$/, actual: new RegExp(`^${sorts.clusterIP}$`) },
  { recorded: /^kube-api-access-00000$/, actual: /^kube-api-access-[a-z0-9]{5}$/ },
];

interface MessageField {
  readonly tag: bigint;
  readonly value: bigint | Buffer;
}

/** The fields of a protobuf message, or undefined where the bytes are none. */
function fieldsOf(bytes: Buffer): MessageField[] | undefined {
  const fields: MessageField[] = [];
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 64n && at < bytes.length; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (tag === undefined || value === undefined || tag >> 3n === 0n) return undefined;
    if ((tag & 7n) === 0n) fields.push({ tag, value });
    else if ((tag & 7n) === 2n && at + Number(value) <= bytes.length) {
      fields.push({ tag, value: bytes.subarray(at, at + Number(value)) });
      at += Number(value);
    } else return undefined;
  }
  return fields;
}
