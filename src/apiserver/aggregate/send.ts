import type { ClientRequest, IncomingMessage } from "node:http";
import https from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { APIServiceSpec } from "../../api/schema/types.ts";
import type { NodeDialer } from "../node-dialer.ts";
import { type Place, requestTo } from "./reach.ts";

/** A certificate and its private key, both in PEM: by it extension servers know that the request comes from this server. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface SendOptions {
  readonly place: Place;
  readonly spec: APIServiceSpec;
  readonly nodes: NodeDialer;
  readonly certificate: ClientCertificate | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly signal: AbortSignal;
  /** Writes the body and ends it; without it there is none. */
  readonly write?: (request: ClientRequest) => void;
}

/** Connections that are kept open for the next request. */
const agent = new https.Agent({ keepAlive: true, timeout: 30_000 });

/** Sends a request to an extension server; resolves when its answer begins. */
export function sendToExtension(options: SendOptions): Promise<IncomingMessage> {
  const { place, spec, nodes, certificate, method, path, headers, signal, write } = options;
  const servername = `${spec.service?.name}.${spec.service?.namespace}.svc`;
  const tls: ConnectionOptions = {
    servername,
    ...(spec.caBundle && { ca: Buffer.from(spec.caBundle, "base64") }),
    ...(spec.insecureSkipTLSVerify && { rejectUnauthorized: false }),
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
  };
  return new Promise((resolve, reject) => {
    const request = requestTo(nodes, place, {
      request: { method, path, headers: { ...headers, host: servername }, signal },
      tls,
      agent,
    });
    request.on("response", resolve);
    request.on("error", reject);
    if (write) write(request);
    else request.end();
  });
}
