/** The HTTP status that Docker answered with, if the error is an answer of Docker's. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

export const isNotFound = (error: unknown): boolean => statusOf(error) === 404;
export const isConflict = (error: unknown): boolean => statusOf(error) === 409;

/** The error in Docker's own words, as the docker command prints them. */
export function dockerError(error: unknown): Error {
  const json = (error as { json?: { message?: unknown } } | null)?.json;
  const said = typeof json?.message === "string" ? json.message : undefined;
  if (said !== undefined) return new Error(`Error response from daemon: ${said}`); // its cause would say the same again
  return error instanceof Error ? error : new Error(String(error));
}

/** Runs a call that ends or removes its object, which may be so already. */
export async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    // 304: it was stopped already. 409 for a removal: "removal of container … is already in progress"; for a
    // kill: "container … is not running".
    const gone = isNotFound(error) || statusOf(error) === 304;
    const leaving = isConflict(error) && /already in progress|is not running/.test(String(error));
    if (!gone && !leaving) throw dockerError(error);
  }
}
