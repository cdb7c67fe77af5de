import { CelError, OpaqueValue } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

/** A semantic version (semver.org). */
class VersionValue extends OpaqueValue {
  override readonly typeName = "kubernetes.Semver";
  readonly numbers: readonly bigint[];
  readonly before: readonly string[];
  constructor(numbers: readonly bigint[], before: readonly string[]) {
    super();
    this.numbers = numbers;
    this.before = before;
  }
  override equals(other: OpaqueValue): boolean {
    return other instanceof VersionValue && compare(this, other) === 0;
  }
}

const number = "(0|[1-9]\\d*)";
const beforePart = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";
const pattern = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-(${beforePart}(?:\\.${beforePart})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

function parsed(text: string): VersionValue | undefined {
  const [whole, major = "", minor = "", patch = "", before] = pattern.exec(text) ?? [];
  return whole === undefined
    ? undefined
    : new VersionValue([major, minor, patch].map(BigInt), before === undefined ? [] : before.split("."));
}

/** Without a leading "v" and zeros, with the parts that are missing. */
function normalized(text: string): string {
  const [major = "", minor, ...rest] = text.replace(/^v/, "").split(".");
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length > 0 ? [rest.join(".")] : [])];
  const plain = parts.map((part) => (part.length > 1 ? part.replace(/^0+(?=\d)/, "") : part));
  if (plain.length < 3 && /[+-]/.test(plain.at(-1) ?? "")) return text;
  while (plain.length < 3) plain.push("0");
  return plain.join(".");
}

function read(text: string, isNormalized = false): VersionValue {
  const version = parsed(isNormalized ? normalized(text) : text);
  if (version) return version;
  if (text === "") throw new CelError("Version string empty");
  if (text.split(".").length < 3) throw new CelError("No Major.Minor.Patch elements found");
  throw new CelError(`Invalid character(s) found in version ${JSON.stringify(text)}`);
}

function isVersion(text: string, isNormalized = false): boolean {
  return parsed(isNormalized ? normalized(text) : text) !== undefined;
}

function compare(a: VersionValue, b: VersionValue): number {
  for (const [i, left] of a.numbers.entries()) {
    const right = b.numbers[i] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  // What comes before a version is less than it.
  if (a.before.length === 0 || b.before.length === 0) return Math.sign(b.before.length - a.before.length);
  for (const [i, left] of a.before.entries()) {
    const right = b.before[i];
    if (right === undefined) return 1;
    const order = compareParts(left, right);
    if (order !== 0) return order;
  }
  return a.before.length < b.before.length ? -1 : 0;
}

function compareParts(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

const type = "kubernetes.Semver";

/** Kubernetes docs, "Common Expression Language in Kubernetes", section "Kubernetes Semver library". */
export const versions: Overload[] = [
  overload("string_to_semver", `semver(string): ${type}`, (text: string) => read(text)),
  overload("string_bool_to_semver", `semver(string, bool): ${type}`, read),
  overload("is_semver_string", "isSemver(string): bool", (text: string) => isVersion(text)),
  overload("is_semver_string_bool", "isSemver(string, bool): bool", isVersion),
  overload(
    "semver_is_greater_than",
    `(${type}).isGreaterThan(${type}): bool`,
    (a: VersionValue, b: VersionValue) => compare(a, b) > 0,
  ),
  overload(
    "semver_is_less_than",
    `(${type}).isLessThan(${type}): bool`,
    (a: VersionValue, b: VersionValue) => compare(a, b) < 0,
  ),
  overload("semver_compare_to", `(${type}).compareTo(${type}): int`, (a: VersionValue, b: VersionValue) =>
    BigInt(compare(a, b)),
  ),
  ...["major", "minor", "patch"].map((part, i) =>
    overload(`semver_${part}`, `(${type}).${part}(): int`, ({ numbers }: VersionValue) => numbers[i] ?? 0n),
  ),
];
