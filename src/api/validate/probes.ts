import type { FieldError, Path } from "../field.ts";
import type {
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  Lifecycle,
  Probe,
  SleepAction,
  TCPSocketAction,
} from "../schema/types.ts";
import { portName } from "./names.ts";
import { validateNonNegative, validateOneOf, validatePort, validateText } from "./values.ts";

/* What looks after a container from outside: probes and hooks (Kubernetes docs, "Liveness, Readiness, and Startup Probes"). */

export type ProbeUse = "livenessProbe" | "readinessProbe" | "startupProbe";

export function validateProbe(probe: Probe | undefined, use: ProbeUse, at: Path): FieldError[] {
  if (!probe) return [];
  const grace = probe.terminationGracePeriodSeconds;
  const place = at.child("terminationGracePeriodSeconds");
  return [
    ...validateHandler(probe, undefined, at),
    ...(
      ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const
    ).flatMap((field) => validateNonNegative(probe[field], at.child(field))),
    ...(grace !== undefined && grace <= 0 ? [place.invalid(grace, "must be greater than 0")] : []),
    ...(use === "readinessProbe"
      ? grace === undefined
        ? []
        : [place.invalid(grace, "must not be set for readinessProbes")]
      : probe.successThreshold === 1
        ? []
        : [at.child("successThreshold").invalid(probe.successThreshold, "must be 1")]),
  ];
}

export function validateLifecycle(
  { postStart, preStop }: Lifecycle,
  graceSeconds: number | undefined,
  at: Path,
): FieldError[] {
  return [
    ...(postStart ? validateHandler(postStart, graceSeconds, at.child("postStart")) : []),
    ...(preStop ? validateHandler(preStop, graceSeconds, at.child("preStop")) : []),
  ];
}

interface Handler {
  exec?: ExecAction;
  httpGet?: HTTPGetAction;
  tcpSocket?: TCPSocketAction;
  grpc?: GRPCAction;
  sleep?: SleepAction;
}

/** Exactly one way to act. */
function validateHandler(handler: Handler, graceSeconds: number | undefined, at: Path): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const ways: [string, (place: Path) => FieldError[]][] = [];
  if (exec) ways.push(["exec", (place) => (exec.command?.length ? [] : [place.child("command").required()])]);
  if (httpGet) ways.push(["httpGet", (place) => validateHttpGet(httpGet, place)]);
  if (tcpSocket) ways.push(["tcpSocket", (place) => validatePortNumberOrName(tcpSocket.port, place.child("port"))]);
  if (grpc) ways.push(["grpc", (place) => validatePortNumberOrName(grpc.port, place.child("port"))]);
  if (sleep) ways.push(["sleep", (place) => validateSleep(sleep, graceSeconds, place)]);
  if (ways.length === 0) return [at.required("must specify a handler type")];
  return ways.flatMap(([name, validate], i) =>
    i === 0 ? validate(at.child(name)) : [at.child(name).forbidden("may not specify more than 1 handler type")],
  );
}

function validateHttpGet({ path, port, scheme, httpHeaders = [] }: HTTPGetAction, at: Path): FieldError[] {
  const header =
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
  return [
    ...(path ? [] : [at.child("path").required()]),
    ...validatePortNumberOrName(port, at.child("port")),
    ...validateOneOf(scheme, ["HTTP", "HTTPS"], at.child("scheme")),
    ...httpHeaders
      .filter(({ name }) => !/^[-A-Za-z0-9]+$/.test(name ?? ""))
      .map(({ name }) => at.child("httpHeaders").invalid(name ?? "", header)),
  ];
}

function validateSleep({ seconds }: SleepAction, graceSeconds: number | undefined, at: Path): FieldError[] {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
  const bound = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [at.invalid(seconds, bound)];
}

/** A port by its number or by the name that a container gives it. */
export function validatePortNumberOrName(port: number | string | undefined, at: Path): FieldError[] {
  return typeof port === "string" ? validateText(portName, port, at) : validatePort(port ?? 0, at);
}
