import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { type ConnectionOptions, connect } from "node:tls";
import type { APIServiceSpec } from "../../api/schema/types.ts";
import type { NodeDialer } from "../node-dialer.ts";
import { openPodPort, type Place } from "./reach.ts";

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
  const secure: ConnectionOptions = {
    servername,
    ...(spec.caBundle && { ca: Buffer.from(spec.caBundle, "base64") }),
    ...(spec.insecureSkipTLSVerify && { rejectUnauthorized: false }),
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
  };
  const common: RequestOptions = { method, path, headers: { ...headers, host: servername }, signal };
  return new Promise((resolve, reject) => {
    const request =
      place.sort === "address"
        ? https.request({ ...common, ...secure, agent, host: place.host, port: place.port })
        : http.request({ ...common, createConnection: (_, done) => void throughPod(done) });
    request.on("response", resolve);
    request.on("error", reject);
    if (write) write(request);
    else request.end();

    async function throughPod(done: (error: Error | null, stream: never) => void): Promise<undefined> {
      if (place.sort !== "pod") return;
      try {
        const socket = await openPodPort(nodes, place);
        done(null, connect({ ...secure, socket }) as never);
      } catch (error) {
        done(error as Error, undefined as never);
      }
    }
  });
}
