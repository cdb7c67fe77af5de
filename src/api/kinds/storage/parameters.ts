import type { FieldError, Path } from "../../field.ts";

const maxParameters = 512;
const maxParametersBytes = 256 * 1024;

/** What a class tells its driver. */
export function validateParameters(
  parameters: Readonly<Record<string, string>> | undefined,
  at: Path,
  { mustBe = false }: { mustBe?: boolean } = {},
): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > maxParameters) return [at.tooLong(maxParameters)];
  const errors = entries.flatMap(([key]) => (key === "" ? [at.invalid(key, "field can not be empty.")] : []));
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > maxParametersBytes) errors.push(at.tooLong(maxParametersBytes));
  if (mustBe && entries.length === 0) errors.push(at.required("must contain at least one key/value pair"));
  return errors;
}
