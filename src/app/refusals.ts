import { CannotStartYet } from "../base/lifecycle.ts";
import type { ServerConfig } from "./config.ts";

/**
 * Runs what opens files and sockets; turns the system's error codes into sentences that say what would help. Errors that
 * say so themselves pass.
 */
export async function refusePlainly<T>(config: ServerConfig, open: () => Promise<T> | T): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const sentence = refusalOf(cause as NodeJS.ErrnoException, config);
    throw sentence === undefined ? cause : new CannotStartYet(sentence);
  }
}

/** The sentence for an error of the system's; undefined where there is none. */
export function refusalOf(
  { code, syscall, path }: NodeJS.ErrnoException,
  { listen, dataDirectory }: Pick<ServerConfig, "listen" | "dataDirectory">,
): string | undefined {
  const address = `${listen.address.includes(":") ? `[${listen.address}]` : listen.address}:${listen.port}`;
  const sentences: Record<string, string> = {
    EADDRINUSE: `${address} is in use by another program: stop it, or choose another port with --https-listen-port`,
    EADDRNOTAVAIL: `${listen.address} is no address of this machine: choose one with --bind-address, or leave the flag out`,
    ENOSPC: `the disk of ${path ?? dataDirectory} is full: make room, or choose another place with --data-dir`,
    EROFS: `${path ?? dataDirectory} is on a read-only file system: choose another place with --data-dir`,
    ENOTDIR: `${path ?? dataDirectory} cannot be made: something on the way is a file; choose another place with --data-dir`,
    EEXIST: `${path ?? dataDirectory} is a file where a directory is needed: move it away, or choose another place with --data-dir`,
    EACCES:
      syscall === "listen"
        ? `${address} may not be listened on by this user: ports below 1024 need root`
        : `${path ?? dataDirectory} may not be written by this user: use sudo, or choose another place with --data-dir`,
  };
  return code === undefined ? undefined : sentences[code];
}
