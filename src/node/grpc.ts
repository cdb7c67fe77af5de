import { type ClientHttp2Session, constants } from "node:http2";

/** The names of gRPC's statuses, by number, as Go prints them (gRPC, "Status codes and their use in gRPC"). */
const statusNames = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists"],
  ...["PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented"],
  ...["Internal", "Unavailable", "DataLoss", "Unauthenticated"],
] as const;

/** A call ended with a status other than OK. The message is in the words of Go's programs, which Kubernetes shows in Events. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  constructor(code: number, description: string) {
    super(`rpc error: code = ${statusNames[code] ?? `Code(${code})`} desc = ${description}`);
    this.code = code;
  }
}

/**
 * One call with one message each way (the protocol of gRPC over HTTP/2). Ends the session. @throws {GrpcError} what the server
 * says; any other error when it was not reached; the signal's reason when that came first
 */
export function callUnary(
  session: ClientHttp2Session,
  { path, message, userAgent }: { path: string; message: Uint8Array; userAgent: string },
  signal: AbortSignal,
): Promise<Buffer> {
  const frame = Buffer.concat([Buffer.alloc(5), message]);
  frame.writeUInt32BE(message.length, 1);
  return new Promise<Buffer>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    session.once("error", reject);
    session.once("close", () => signal.removeEventListener("abort", abort));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      "user-agent": userAgent,
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    let said = "";
    const read = (headers: Record<string, unknown>): void => {
      if (headers["grpc-status"] === undefined) return;
      status = String(headers["grpc-status"]);
      said = decodeURIComponent(String(headers["grpc-message"] ?? ""));
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    // Its end alone says nothing: trailers may be told after it, and a server that dies in the middle of a call ends it too.
    stream.on("close", () => {
      if (status === "0") resolve(Buffer.concat(chunks).subarray(5));
      else if (status !== undefined) reject(new GrpcError(Number(status), said));
      else reject(new Error("the server ended the call without saying how it went"));
    });
    stream.end(frame);
  }).finally(() => session.destroy());
}
