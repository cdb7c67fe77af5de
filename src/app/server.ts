import type { Log } from "../base/log.ts";
import type { ServerConfig } from "./config.ts";

export interface RunOptions {
  readonly log: Log;
  /** Aborted to stop the server. */
  readonly stop: AbortSignal;
  /** Prints a line for the person who started the server. */
  readonly say: (line: string) => void;
}

/** Runs a server until `stop`: the process on one page. */
export async function runServer(config: ServerConfig, { log }: RunOptions): Promise<void> {
  log.info("configuration read", { dataDirectory: config.dataDirectory });
}
