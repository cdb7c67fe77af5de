/** Kubernetes' machine-readable reasons and the HTTP code each travels with (API reference, "Status"). */
const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const;
export type Reason = keyof typeof codes;

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** The wire form of an answer that is no object (API reference, "Status"). */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, unknown>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: StatusDetails;
  /** Absent from the Status that answers a deletion. */
  code?: number;
}

/** The name of a resource in errors: its group and its plural, perhaps with a subresource ("pods/log"). */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

/** The only error type that crosses a room's boundary on its way to an API client. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  /** Undefined where Kubernetes answers with a code and no reason. */
  readonly reason: Reason | undefined;
  readonly code: number;
  readonly details: StatusDetails | undefined;
  /** Where a list that could not go on consistently goes on all the same. */
  readonly continueToken: string | undefined;

  constructor(
    reason: Reason | undefined,
    message: string,
    details?: StatusDetails,
    code?: number,
    continueToken?: string,
  ) {
    super(message);
    this.continueToken = continueToken;
    this.reason = reason;
    this.code = code ?? (reason ? codes[reason] : 500);
    this.details = details;
  }

  /** The body that a client is sent. */
  toStatus(): Status {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: "Failure",
      message: this.message,
      ...(this.reason && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

/** The error that a Status stands for; how the HTTP transport turns an answer back into the error that was thrown. */
export function statusErrorFrom(status: Partial<Status>): StatusError {
  return new StatusError(status.reason as Reason | undefined, status.message ?? "unknown", status.details, status.code);
}

/** Whether the error is a StatusError of this reason. */
export function isReason(error: unknown, reason: Reason): boolean {
  return error instanceof StatusError && error.reason === reason;
}

/** "deployments.apps", "pods" */
export const qualified = ({ group, plural }: ResourceName): string => (group ? `${plural}.${group}` : plural);
const named = ({ group, plural }: ResourceName, name: string): StatusDetails => ({
  name,
  ...(group && { group }),
  kind: plural,
});

export function notFound(resource: ResourceName, name: string): StatusError {
  return new StatusError("NotFound", `${qualified(resource)} "${name}" not found`, named(resource, name));
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  return new StatusError("AlreadyExists", `${qualified(resource)} "${name}" already exists`, named(resource, name));
}

/** The generated names that were tried are all taken. */
export function noNameLeft(resource: ResourceName, name: string): StatusError {
  const { message, details } = alreadyExists(resource, name);
  const why = `${message}, the server was not able to generate a unique name for the object`;
  return new StatusError("AlreadyExists", why, { ...details, retryAfterSeconds: 1 });
}

export function conflict(resource: ResourceName, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new StatusError("Conflict", message, named(resource, name));
}

export function badRequest(message: string): StatusError {
  return new StatusError("BadRequest", message);
}

export function internalError(message: string): StatusError {
  return new StatusError("InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** `resource` is absent for paths that are no resources. */
export function forbidden(resource: ResourceName | undefined, name: string, why: string): StatusError {
  if (!resource) return new StatusError("Forbidden", `forbidden: ${why}`, {});
  const quoted = name ? ` "${name}"` : "";
  const details: StatusDetails = {
    ...(name && { name }),
    ...(resource.group && { group: resource.group }),
    kind: resource.plural,
  };
  return new StatusError("Forbidden", `${qualified(resource)}${quoted} is forbidden: ${why}`, details);
}
