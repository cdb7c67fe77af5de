import type { Duplex } from "node:stream";

/**
 * Calls when everything written so far has left; never, if the connection breaks before. HTTP/2 takes the socket's
 * handle over, and a write of before that ends only then brings the whole process down (an assertion in Node.js).
 */
export function whenFlushed(connection: Duplex, begin: () => void): void {
  if (connection.writableLength === 0) {
    begin();
    return;
  }
  connection.write(Buffer.alloc(0), (error) => error ?? begin());
}
