import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { type Status, StatusError } from "../../api/status.ts";
import type { Trail } from "../audit/trail.ts";
import { type Form, plainJson } from "../negotiate/accept.ts";
import { type Rendered, rendered } from "../negotiate/render.ts";
import { warningHeader } from "./warning.ts";

export type Incoming = IncomingMessage | Http2ServerRequest;
export type Outgoing = ServerResponse | Http2ServerResponse;

/** Above this an answer is compressed for clients that can read it: below, it would cost more than it saves. */
const compressedFromBytes = 128 * 1024;
const compress = promisify(gzip);

/** One request and its answer. */
export class Exchange {
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  /** The form in which errors are written: as soon as it is known, the one that the client asked for. */
  form: Form = plainJson;
  /** Where what is asked and answered is recorded, if it is. */
  trail: Trail | undefined;
  #beforeAnswer: (() => void)[] | undefined;
  #isOver = false;
  #whenOver: (() => void)[] | undefined;
  readonly #warnings: string[] = [];
  /** Names of headers that every answer to this client carries. */
  readonly #headers: Record<string, string | string[]>;

  constructor(incoming: Incoming, outgoing: Outgoing) {
    this.incoming = incoming;
    this.outgoing = outgoing;
    // One listener for all who want to know: Node warns of more than ten, and a stream that is passed on has some of its own.
    outgoing.once("close", () => {
      this.#isOver = true;
      for (const run of this.#whenOver ?? []) run();
    });
    const auditId = incoming.headers["audit-id"];
    this.#headers = {
      "audit-id": typeof auditId === "string" && auditId ? auditId : randomUUID(),
      "cache-control": "no-cache, private",
    };
    // That a connection of HTTP/1.1 goes on need not be said, and no Kubernetes says it.
    if (incoming.httpVersion === "1.1" && (outgoing as ServerResponse).shouldKeepAlive)
      outgoing.removeHeader("connection");
  }

  get auditId(): string {
    return String(this.#headers["audit-id"]);
  }
  header(name: string): string | undefined {
    const value = this.incoming.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }
  setHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }
  setHeaders(name: string, values: string[]): void {
    this.#headers[name] = values;
  }
  /** A text for the Warning header; the same text once. */
  warn(text: string): void {
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }

  /** Calls when the answer is about to begin. */
  beforeAnswer(run: () => void): void {
    this.#beforeAnswer ??= [];
    this.#beforeAnswer.push(run);
  }

  /** Headers of an answer, with warnings as RFC 7234 writes them. */
  headers(contentType: string | undefined): Record<string, string | string[]> {
    const first = this.#beforeAnswer ?? [];
    this.#beforeAnswer = undefined;
    for (const run of first) run();
    const headers = this.#headers;
    if (contentType) headers["content-type"] = contentType;
    if (this.#warnings.length > 0) headers.warning = this.#warnings.map(warningHeader);
    return headers;
  }

  /** Calls when the answer is over or the client gone; at once where that is so already. */
  whenOver(run: () => void): void {
    if (this.#isOver) run();
    else this.#whenOver = [...(this.#whenOver ?? []), run];
  }

  /** Aborted when the client goes. */
  untilGone(): AbortSignal {
    const controller = new AbortController();
    this.whenOver(() => controller.abort());
    return controller.signal;
  }

  /** Sends an answer. */
  async send({ code, contentType, parts }: Rendered): Promise<void> {
    let length = 0;
    for (const part of parts) length += part.length;
    const headers = this.headers(contentType);
    let pieces = parts;
    if (length > compressedFromBytes && acceptsGzip(this.header("accept-encoding"))) {
      pieces = [await compress(Buffer.concat(parts, length), { level: constants.Z_BEST_SPEED })];
      headers["content-encoding"] = "gzip";
      headers.vary = "Accept-Encoding";
    } else headers["content-length"] = String(length);
    this.write(code, headers, pieces);
  }

  write(code: number, headers: Record<string, string | string[]>, parts: readonly Buffer[]): void {
    const outgoing = this.outgoing as ServerResponse;
    outgoing.writeHead(code, headers);
    if (parts.length < 2) return void outgoing.end(parts[0]);
    if (this.incoming.method === "HEAD") return void outgoing.end();
    writeAll(outgoing, parts);
  }

  sendText(code: number, text: string, contentType = "text/plain; charset=utf-8"): void {
    const bytes = Buffer.from(text);
    this.write(code, { ...this.headers(contentType), "content-length": String(bytes.length) }, [bytes]);
  }

  /** Answers with what went wrong; closes the connection if an answer is under way already. */
  async sendError(error: StatusError): Promise<void> {
    if (this.outgoing.headersSent) {
      (this.outgoing as ServerResponse).destroy();
      return;
    }
    const { retryAfterSeconds } = error.details ?? {};
    if (retryAfterSeconds) this.setHeader("retry-after", String(retryAfterSeconds));
    const status: Status = error.toStatus();
    await this.send(rendered(error.code, status as never, { ...this.form, as: undefined }));
  }
}

// Lists of many items come as many small parts: they are put together into pieces of this size, so that a list of
// thousands neither is one allocation nor thousands of writes.
const pieceBytes = 256 * 1024;

function writeAll(outgoing: ServerResponse, parts: readonly Buffer[]): void {
  let at = 0;
  const next = (): void => {
    while (at < parts.length) {
      const from = at;
      let length = 0;
      while (at < parts.length && (length === 0 || length < pieceBytes)) length += parts[at++]?.length ?? 0;
      const piece = at - from === 1 ? parts[from] : Buffer.concat(parts.slice(from, at), length);
      if (at < parts.length && !outgoing.write(piece)) return void outgoing.once("drain", next);
      if (at >= parts.length) return void outgoing.end(piece);
    }
  };
  next();
}

function acceptsGzip(header: string | undefined): boolean {
  return header?.split(",").some((part) => part.split(";", 1)[0]?.trim() === "gzip") ?? false;
}

/** The error that a client is told of an error of any sort. */
export function statusErrorOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError("InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}
