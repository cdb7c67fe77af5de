import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import type { BucketRecord, Row } from "../memory/journal.ts";
import { decodeRows, encodeRows, type Failure, type Opened, type Request, type WriterOptions } from "./protocol.ts";

const applicationId = 0x736b6966; // "skif"
const format = 1;
// Small pages: a transaction of one object writes a few of them, and a card's life is measured in bytes written
// (docs/performance.md has what other sizes cost).
const pageBytes = 1024;
const loadBytes = 256 * 1024;
// The log in front of the database is carried over when it is about this long.
const checkpointBytes = 4 * 1024 * 1024;

const schema = `
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    createRevision INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL
  );
  CREATE TABLE bucket (name TEXT PRIMARY KEY, compacted INTEGER NOT NULL, volatile INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mark INTEGER NOT NULL,
    clean INTEGER NOT NULL,
    identity TEXT NOT NULL
  );
`;

/** A row as it lies in the table. */
interface LogRow {
  readonly revision: number;
  readonly kind: number;
  readonly createRevision: number;
  readonly checksum: number;
  readonly key: string;
  readonly value: Buffer;
}

/** Why the database cannot be used, for the thread that asked. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly kind: Failure["kind"];
  constructor(kind: Failure["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export type Append = Extract<Request, { type: "append" }>;

/** The open database: one connection, which nothing else on the machine may have. Everything here blocks its thread. */
export class LogDatabase {
  readonly #db: Database.Database;
  readonly #inPlace: InPlace;
  readonly #insert: Database.Statement;
  readonly #remove: Database.Statement;
  readonly #putBucket: Database.Statement;
  readonly #putMark: Database.Statement;
  readonly #append: (append: Append) => number;
  #rows: IterableIterator<unknown> | undefined;
  #uncheckpointedBytes = 0;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#inPlace = new InPlace(db.name);
    this.#insert = db.prepare(
      "INSERT OR REPLACE INTO log (revision, kind, createRevision, checksum, key, value) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#remove = db.prepare("DELETE FROM log WHERE revision = ?");
    this.#putBucket = db.prepare("INSERT OR REPLACE INTO bucket (name, compacted, volatile) VALUES (?, ?, ?)");
    this.#putMark = db.prepare("UPDATE meta SET mark = ?, clean = ?");
    this.#append = db.transaction((append: Append) => this.#write(append)).immediate;
  }

  /** @throws {Refusal} also when it was written to a file that nobody will find again */
  append(append: Append): void {
    this.#uncheckpointedBytes += this.#append(append);
    this.#inPlace.check();
  }

  /** The next rows in revision order, a quarter of a megabyte at a time; an empty piece of memory behind the last. */
  load(): ArrayBuffer {
    this.#rows ??= this.#db.prepare("SELECT * FROM log ORDER BY revision").iterate();
    const rows: Row[] = [];
    for (let bytes = 0; bytes < loadBytes; ) {
      const next = this.#rows.next();
      if (next.done) break;
      const row = rowFrom(next.value as LogRow);
      bytes += row.entry.value.length + row.entry.key.length;
      rows.push(row);
    }
    return encodeRows(rows);
  }

  readState(): Omit<Opened, "isNew"> {
    const { mark, clean } = this.#db.prepare("SELECT mark, clean FROM meta").get() as { mark: number; clean: number };
    const buckets = this.#db.prepare("SELECT name, compacted, volatile FROM bucket").all() as {
      name: string;
      compacted: number;
      volatile: number;
    }[];
    return {
      mark,
      clean: clean === 1,
      buckets: buckets.map((bucket): BucketRecord => ({ ...bucket, volatile: bucket.volatile === 1 })),
    };
  }

  /** Carries the write-ahead log over into the database when it has grown long. To be called when nobody waits. */
  checkpointWhenDue(): void {
    if (this.#uncheckpointedBytes < checkpointBytes) return;
    this.#uncheckpointedBytes = 0;
    this.#db.pragma("wal_checkpoint(PASSIVE)");
  }

  /** Goes on in steps, between which other requests are served. */
  async backup(file: string): Promise<void> {
    await this.#db.backup(file);
  }

  close(): void {
    this.#rows?.return?.();
    this.#db.close();
  }

  #write({ removed, rows, buckets, mark, clean }: Append): number {
    for (const revision of removed) this.#remove.run(revision);
    for (const { type, entry } of decodeRows(rows)) {
      const { key, value, createRevision, modRevision } = entry;
      this.#insert.run(modRevision, type === "put" ? 0 : 1, createRevision, checksumOf(key, value), key, value);
    }
    for (const { name, compacted, volatile } of buckets) this.#putBucket.run(name, compacted, volatile ? 1 : 0);
    if (mark !== undefined) this.#putMark.run(mark, clean ? 1 : 0);
    return rows.byteLength + 4 * pageBytes;
  }
}

/** Whether the files that SQLite holds open are still those that the next start will find. */
class InPlace {
  readonly #file: string;
  readonly #known = new Map<string, { readonly id: string; readonly bytes: number }>();

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws {Refusal} when somebody removed, replaced or shortened one of them */
  check(): void {
    for (const name of [this.#file, `${this.#file}-wal`]) {
      const found = statSync(name, { throwIfNoEntry: false });
      const before = this.#known.get(name);
      if (!found) throw new Refusal("lost", `${name} was taken away while it was in use`);
      const id = `${found.dev}:${found.ino}`;
      if (before && before.id !== id) throw new Refusal("lost", `${name} was replaced while it was in use`);
      // The database only grows while it is open; its log is written from the start again.
      if (before && name === this.#file && found.size < before.bytes)
        throw new Refusal("lost", `${name} was shortened while it was in use`);
      this.#known.set(name, { id, bytes: found.size });
    }
  }
}

/**
 * Opens the database, and makes it when there is none and it is opened for the first time.
 * @throws {Refusal}
 */
export function openDatabase(
  { file, addonFile }: WriterOptions,
  isFirst: boolean,
): { database: LogDatabase; isNew: boolean } {
  let db: Database.Database | undefined;
  try {
    if (!isFirst && !statSync(file, { throwIfNoEntry: false })?.isFile())
      throw new Refusal("lost", `${file} was taken away while it was in use`);
    db = new Database(file, { timeout: 1000, ...(addonFile && { nativeBinding: loadAddon(addonFile) }) });
    const isNew = prepare(db, isFirst);
    return { database: new LogDatabase(db), isNew };
  } catch (error) {
    db?.close();
    throw error instanceof Refusal ? error : refusalFrom(error, file);
  }
}

/** The addon loaded from a file, also where `require` knows no files: in the single executable. */
function loadAddon(addonFile: string): string {
  const module = { exports: {} };
  process.dlopen(module, addonFile);
  // better-sqlite3 takes the loaded addon itself where its types speak of its path only.
  return module.exports as string;
}

function prepare(db: Database.Database, isFirst: boolean): boolean {
  // Exclusive: no second process may write, and SQLite keeps its shared index in memory instead of in a file.
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma(`page_size = ${pageBytes}`);
  db.pragma("journal_mode = WAL");
  // At every open: a file that is in WAL mode already opens with NORMAL, which loses acknowledged writes.
  db.pragma("synchronous = FULL");
  db.pragma("cache_size = -1024");
  db.pragma("wal_autocheckpoint = 0");
  db.pragma("journal_size_limit = 16777216");
  const found = Number(db.pragma("user_version", { simple: true }));
  if (found > format) throw new Refusal("newer", `is of format ${found}, this version knows formats up to ${format}`);
  if (found === 0) {
    // What was there a moment ago is not made anew here: it would be acknowledged into a database without all the rest.
    if (!isFirst) throw new Refusal("lost", "was emptied while it was in use");
    create(db);
    return true;
  }
  if (Number(db.pragma("application_id", { simple: true })) !== applicationId) {
    throw new Refusal("damaged", "is a database of another program");
  }
  if (isFirst) {
    const [problem] = db.pragma("quick_check(1)") as { quick_check: string }[];
    if (problem?.quick_check !== "ok") throw new Refusal("damaged", `is damaged (${problem?.quick_check})`);
    giveBackSpace(db);
  }
  return false;
}

function create(db: Database.Database): void {
  const tables = Number(db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get());
  if (tables > 0) throw new Refusal("damaged", "is a database of another program");
  db.transaction(() => {
    db.exec(schema);
    db.prepare("INSERT INTO meta (id, mark, clean, identity) VALUES (1, 0, 1, ?)").run(randomUUID());
    db.pragma(`application_id = ${applicationId}`);
    db.pragma(`user_version = ${format}`);
  }).immediate();
}

/** Free pages are used again; only when most of a large file is free is it written anew, at start. */
function giveBackSpace(db: Database.Database): void {
  const [pages, free] = ["page_count", "freelist_count"].map((name) => Number(db.pragma(name, { simple: true })));
  if (free! > 8192 && free! > pages! / 2) {
    db.exec("VACUUM");
    // The file itself becomes shorter here, and not while it is in use.
    db.pragma("wal_checkpoint(TRUNCATE)");
  }
}

function rowFrom({ revision, kind, createRevision, checksum, key, value }: LogRow): Row {
  if (checksumOf(key, value) !== checksum) {
    throw new Refusal("damaged", `is damaged: what is there of ${key} is not what was written`);
  }
  return { type: kind === 0 ? "put" : "delete", entry: { key, value, createRevision, modRevision: revision } };
}

/** SQLite does not notice when a disk changes the bytes of a value. */
function checksumOf(key: string, value: Buffer): number {
  return crc32(value, crc32(key));
}

/** What an error of SQLite's means to people. */
export function refusalFrom(error: unknown, file: string): Refusal {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  if (code.startsWith("SQLITE_BUSY")) return new Refusal("in use", "is in use by another process");
  if (code.startsWith("SQLITE_NOTADB")) return new Refusal("damaged", "is not a database");
  if (code.startsWith("SQLITE_CORRUPT")) return new Refusal("damaged", `is damaged (${message})`);
  if (code === "SQLITE_FULL") return new Refusal("other", `no space is left on the disk of ${file}`);
  if (code.startsWith("SQLITE_READONLY")) return new Refusal("other", `${file} is read-only`);
  if (code.startsWith("SQLITE_IOERR")) return new Refusal("other", `the disk of ${file} reports an error (${code})`);
  return new Refusal("other", code ? `${file}: ${message} (${code})` : message);
}

/** Whether the connection can be used again after this error of a transaction. */
export function isRecoverable(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "SQLITE_FULL";
}
