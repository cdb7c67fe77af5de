import { type FieldError, Path } from "../../../api/field.ts";

export const levels = ["privileged", "baseline", "restricted"] as const;
export type Level = (typeof levels)[number];

/** A level as a version of Kubernetes defined it; undefined: the newest. */
export interface Standard {
  readonly level: Level;
  readonly minor: number | undefined;
}

/** What holds in a namespace (Kubernetes docs, "Pod Security Admission"). */
export interface Policy {
  readonly enforce: Standard;
  readonly warn: Standard;
  readonly audit: Standard;
  /** What is wrong with the labels. */
  readonly errors: readonly FieldError[];
}

type Labels = Readonly<Record<string, string>>;

const labelPrefix = "pod-security.kubernetes.io/";
const labelsPath = new Path().child("metadata", "labels");
const privileged: Standard = { level: "privileged", minor: undefined };

/** Reads the policy from a namespace's labels. Who enforces and says nothing about warnings is warned of the same. */
export function policyFrom(labels: Labels = {}): Policy {
  const errors: FieldError[] = [];
  // A level that cannot be read is enforced at its strictest; warnings and audit fail open.
  const enforce = standardFrom(labels, "enforce", privileged, "restricted", errors);
  const audit = standardFrom(labels, "audit", fallback(labels, "audit", enforce), "privileged", errors);
  const warn = standardFrom(labels, "warn", fallback(labels, "warn", enforce), "privileged", errors);
  return { enforce, audit, warn, errors };
}

/** "restricted:latest" */
export function standardText({ level, minor }: Standard): string {
  return `${level}:${minor === undefined ? "latest" : `v1.${minor}`}`;
}

export function isSameStandard(a: Standard, b: Standard): boolean {
  return a.level === b.level && a.minor === b.minor;
}

/** Positive when `a` is the stricter one. */
export function compareLevels(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

function fallback(labels: Labels, mode: string, enforce: Standard): Standard {
  return labels[`${labelPrefix}${mode}`] === undefined ? enforce : privileged;
}

function standardFrom(
  labels: Labels,
  mode: string,
  unsaid: Standard,
  unreadable: Level,
  errors: FieldError[],
): Standard {
  let { level, minor } = unsaid;
  const levelLabel = `${labelPrefix}${mode}`;
  const saidLevel = labels[levelLabel];
  if (saidLevel !== undefined) {
    const known = levels.find((candidate) => candidate === saidLevel);
    if (!known) errors.push(labelsPath.key(levelLabel).invalid(saidLevel, `must be one of ${levels.join(", ")}`));
    level = known ?? unreadable;
  }
  const versionLabel = `${levelLabel}-version`;
  const saidVersion = labels[versionLabel];
  if (saidVersion !== undefined) {
    const read = /^v1\.(0|[1-9]\d*)$/.exec(saidVersion)?.[1];
    if (read === undefined && saidVersion !== "latest")
      errors.push(labelsPath.key(versionLabel).invalid(saidVersion, 'must be "latest" or "v1.x"'));
    minor = read === undefined ? undefined : Number(read);
  }
  return { level, minor };
}
