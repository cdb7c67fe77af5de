import type { Entry, StoreEvent } from "../contract.ts";
import type { BucketRecord, Row } from "../memory/journal.ts";

/** What the writer thread is started with. */
export interface WriterOptions {
  readonly file: string;
  /** The native addon as a file; undefined: as better-sqlite3 finds it itself. */
  readonly addonFile: string | undefined;
}

/** What the store asks of the writer thread. Every request is answered once; requests of one kind in their order. */
export type Request =
  | { readonly type: "open"; readonly isFirst: boolean }
  /** The next rows from the start on; none: there are no more. */
  | { readonly type: "load" }
  | {
      readonly type: "append";
      readonly removed: Float64Array;
      readonly rows: ArrayBuffer;
      readonly buckets: readonly BucketRecord[];
      readonly mark: number | undefined;
      readonly clean: boolean;
    }
  | { readonly type: "backup"; readonly file: string }
  | { readonly type: "close" };

export interface Opened {
  readonly mark: number;
  readonly clean: boolean;
  readonly isNew: boolean;
  readonly buckets: readonly BucketRecord[];
}

export interface Answers {
  readonly open: Opened;
  readonly load: ArrayBuffer;
  readonly append: undefined;
  readonly backup: undefined;
  readonly close: undefined;
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly result: Answers[Request["type"]] }
  | { readonly id: number; readonly ok: false; readonly failure: Failure };

export interface Failure {
  readonly kind: "damaged" | "lost" | "newer" | "in use" | "other";
  readonly message: string;
}

const types: readonly StoreEvent["type"][] = ["put", "delete"];
const headerBytes = 8 + 8 + 1 + 4 + 4;

/** Rows as one piece of memory that can be handed to another thread without a copy. */
export function encodeRows(rows: readonly Row[]): ArrayBuffer {
  let size = 0;
  for (const { entry } of rows) size += headerBytes + Buffer.byteLength(entry.key) + entry.value.length;
  const memory = new ArrayBuffer(size);
  const bytes = Buffer.from(memory);
  let at = 0;
  for (const { type, entry } of rows) {
    const keyLength = bytes.write(entry.key, at + headerBytes);
    bytes.writeDoubleLE(entry.modRevision, at);
    bytes.writeDoubleLE(entry.createRevision, at + 8);
    bytes[at + 16] = types.indexOf(type);
    bytes.writeUInt32LE(keyLength, at + 17);
    bytes.writeUInt32LE(entry.value.length, at + 21);
    entry.value.copy(bytes, at + headerBytes + keyLength);
    at += headerBytes + keyLength + entry.value.length;
  }
  return memory;
}

/** The values are views of `memory`. */
export function* decodeRows(memory: ArrayBuffer): Generator<Row, void, undefined> {
  const bytes = Buffer.from(memory);
  for (let at = 0; at < bytes.length; ) {
    const keyEnd = at + headerBytes + bytes.readUInt32LE(at + 17);
    const end = keyEnd + bytes.readUInt32LE(at + 21);
    const entry: Entry = {
      key: bytes.toString("utf8", at + headerBytes, keyEnd),
      value: bytes.subarray(keyEnd, end),
      modRevision: bytes.readDoubleLE(at),
      createRevision: bytes.readDoubleLE(at + 8),
    };
    yield { type: types[bytes[at + 16]!]!, entry };
    at = end;
  }
}
