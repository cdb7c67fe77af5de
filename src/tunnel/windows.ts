/**
 * How much may be under way: for one stream, so that a slow reader holds little memory; for the connection, so that one
 * stream can fill a line of 100 Mbit/s and 80 ms; and how many streams there may be.
 */
export const windows = {
  settings: { initialWindowSize: 256 * 1024, maxConcurrentStreams: 10_000, enablePush: false },
  peerMaxConcurrentStreams: 10_000,
  // In megabytes. Node's own default of 10 refuses new streams while some hundred are being written to.
  maxSessionMemory: 64,
  connectionBytes: 1024 * 1024,
};
