import type { FieldError, Path } from "../field.ts";

/** A path that does not climb. */
export function validateNoBacksteps(path: string, at: Path): FieldError[] {
  return path.split("/").includes("..") ? [at.invalid(path, "must not contain '..'")] : [];
}

/** A path below something. */
export function validateDescendingPath(path: string, at: Path): FieldError[] {
  return [
    ...(path.startsWith("/") ? [at.invalid(path, "must be a relative path")] : []),
    ...validateNoBacksteps(path, at),
  ];
}

/** A path below a volume whose own names begin with two dots. */
export function validateLocalPath(path: string, at: Path): FieldError[] {
  const reserved = path.startsWith("..") && !path.startsWith("../");
  return [
    ...validateDescendingPath(path, at),
    ...(reserved && path !== ".." ? [at.invalid(path, "must not start with '..'")] : []),
  ];
}

/** Permission bits. */
export function validateFileMode(mode: number | undefined, at: Path): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [at.invalid(mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}
