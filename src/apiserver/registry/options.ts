import { type FieldError, invalid, Path } from "../../api/field.ts";

/** "Unsupported value" with the choices in the order in which Kubernetes lists them here, which is not sorted. */
export function unsupported(at: Path, value: unknown, choices: readonly string[]): FieldError {
  const list = choices.map((choice) => JSON.stringify(choice)).join(", ");
  return {
    reason: "FieldValueNotSupported",
    field: at.toString(),
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
  };
}

/** What a request's options are called in errors. */
export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions";

/** The options of a write as they came, before they are known to be valid. */
export interface WriteOptionTexts {
  readonly dryRun: readonly string[];
  readonly fieldManager: string;
  readonly fieldValidation: string;
  readonly force: boolean | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
}

/** @throws {StatusError} Invalid, with what is wrong with the options of a write */
export function refuseInvalidOptions(kind: OptionsKind, options: WriteOptionTexts, isApply: boolean): void {
  const errors: FieldError[] = [];
  const { dryRun, fieldManager, fieldValidation, force, propagationPolicy, orphanDependents } = options;
  if (kind === "PatchOptions") {
    if (isApply && !fieldManager) errors.push(new Path("fieldManager").required("is required for apply patch"));
    if (!isApply && force !== undefined)
      errors.push(new Path("force").forbidden("may not be specified for non-apply patch"));
  }
  if (kind === "DeleteOptions") {
    const at = new Path("propagationPolicy");
    if (orphanDependents !== undefined && propagationPolicy !== undefined)
      errors.push(at.invalid(propagationPolicy, "orphanDependents and deletionPropagation cannot be both set"));
    else if (propagationPolicy !== undefined && !["Foreground", "Background", "Orphan"].includes(propagationPolicy))
      errors.push(unsupported(at, propagationPolicy, ["Foreground", "Background", "Orphan", "nil"]));
  }
  if (fieldManager.length > 128) errors.push(new Path("fieldManager").tooLong(128));
  else errors.push(...unprintable(fieldManager));
  if (dryRun.some((value) => value !== "All")) errors.push(unsupported(new Path("dryRun"), dryRun, ["All"]));
  if (fieldValidation && !["Ignore", "Strict", "Warn"].includes(fieldValidation))
    errors.push(unsupported(new Path("fieldValidation"), fieldValidation, ["", "Ignore", "Strict", "Warn"]));
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
}

/** The first character of a manager's name that cannot be printed. */
function unprintable(fieldManager: string): FieldError[] {
  const at = fieldManager.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (at < 0) return [];
  const code = (fieldManager.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const position = Buffer.byteLength(fieldManager.slice(0, at));
  return [new Path("fieldManager").invalid(fieldManager, `invalid character U+${code} (at position ${position})`)];
}
