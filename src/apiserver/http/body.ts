import { gunzipSync } from "node:zlib";
import { badRequest, StatusError } from "../../api/status.ts";
import type { Incoming } from "./exchange.ts";

/** As many bytes as Kubernetes takes in one request. */
export const mostBodyBytes = 3 * 1024 * 1024;

/** Reads a request's body. @throws {StatusError} RequestEntityTooLarge */
export async function readBody(incoming: Incoming): Promise<Buffer> {
  const length = Number(incoming.headers["content-length"] ?? 0);
  if (length > mostBodyBytes) {
    incoming.resume();
    throw tooLarge();
  }
  const parts: Buffer[] = [];
  let total = 0;
  await new Promise<void>((resolve, reject) => {
    incoming
      .on("data", (part: Buffer) => {
        total += part.length;
        if (total > mostBodyBytes) {
          parts.length = 0;
          reject(tooLarge());
        } else parts.push(part);
      })
      .on("end", resolve)
      .on("error", reject)
      .on("aborted", () => reject(badRequest("the request was cut off")));
  });
  const body = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  return incoming.headers["content-encoding"] === "gzip" && body[0] === 0x1f ? unzipped(body) : body;
}

function unzipped(body: Buffer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: mostBodyBytes });
  } catch {
    throw tooLarge();
  }
}

function tooLarge(): StatusError {
  return new StatusError("RequestEntityTooLarge", "Request entity too large: limit is 3145728");
}
