import { existsSync, type FSWatcher, watch } from "node:fs";
import { chmod, link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Log } from "../../base/log.ts";
import { DamagedDatabase, DatabaseInUse, NewerFormat } from "../contract.ts";
import { type Journal, JournalLost, type Recovered, type Row, type Transaction } from "../memory/journal.ts";
import { decodeRows, encodeRows } from "./protocol.ts";
import { Writer, type WriterCode, WriterFailure } from "./writer.ts";

export interface SqliteOptions {
  /** Where the database lies; made when it is not there. */
  readonly directory: string;
  readonly code?: WriterCode | undefined;
}

/** The name of the database in its directory. */
export const databaseName = "state.db";

/** The journal in an SQLite database, behind the writer thread. */
export class SqliteJournal implements Journal {
  readonly #file: string;
  readonly #code: WriterCode | undefined;
  /** The disk on which the database lies. */
  #disk: number;
  #writer: Writer;
  #watcher: FSWatcher | undefined;

  constructor({
    file,
    code,
    writer,
    disk,
  }: { file: string; code: WriterCode | undefined; writer: Writer; disk: number }) {
    this.#file = file;
    this.#code = code;
    this.#writer = writer;
    this.#disk = disk;
  }

  async append(transaction: Transaction): Promise<void> {
    try {
      await appendTo(await this.#usableWriter(), transaction);
    } catch (error) {
      if (!(error instanceof WriterFailure) || (error.kind !== "lost" && error.kind !== "damaged")) throw error;
      throw new JournalLost(error.kind === "lost" ? error.message : `${this.#file} ${error.message}`, { cause: error });
    }
  }

  watch(told: () => void): void {
    const names = [databaseName, `${databaseName}-wal`];
    this.#watcher?.close();
    this.#watcher = watch(dirname(this.#file), { persistent: false }, (event, name) => {
      if (event === "rename" && names.includes(name ?? "")) told();
    });
    // The directory itself is gone; what else is to be written will tell.
    this.#watcher.on("error", told);
  }

  async replace({ rows, buckets, mark, clean = false }: Omit<Transaction, "removed">): Promise<void> {
    const directory = dirname(this.#file);
    await this.#mustBeTheSameDisk(directory);
    // Its end takes the log's file away by its name, so it comes first.
    await this.#writer.stop();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const made = join(directory, ".anew.db");
    await removeDatabase(made);
    const writer = new Writer(made, this.#code);
    try {
      await writer.ask<"open">({ type: "open", isFirst: true });
      for (const some of inPieces(rows)) await appendTo(writer, { removed: [], rows: some, buckets: [] });
      await appendTo(writer, { removed: [], rows: [], buckets, mark, clean });
      await writer.ask<"close">({ type: "close" });
    } finally {
      await writer.stop();
    }
    await chmod(made, 0o600);
    await setAside(this.#file);
    await rename(made, this.#file);
    const folder = await open(directory, "r");
    await folder.sync();
    await folder.close();
  }

  async backup(file: string): Promise<void> {
    const writer = await this.#usableWriter();
    const copy = await open(file, "wx", 0o600);
    await copy.close();
    await writer.ask<"backup">({ type: "backup", file });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    try {
      if (!this.#writer.hasEnded) await this.#writer.ask<"close">({ type: "close" });
    } finally {
      await this.#writer.stop();
    }
  }

  /** Where a disk was mounted there is a directory of another one when it is gone: nothing is to be written there. */
  async #mustBeTheSameDisk(directory: string): Promise<void> {
    let there = directory;
    while (!existsSync(there)) there = dirname(there);
    const { dev } = await stat(there);
    // A disk that is put in again may have another number; the database on it tells it from the directory beneath.
    if (there === directory && existsSync(this.#file)) this.#disk = dev;
    if (dev !== this.#disk) throw new Error(`the disk on which ${this.#file} lay is not there`);
  }

  /** The writer thread; a new one when the old one died. */
  async #usableWriter(): Promise<Writer> {
    if (!this.#writer.hasEnded) return this.#writer;
    this.#writer = new Writer(this.#file, this.#code);
    await this.#writer.ask<"open">({ type: "open", isFirst: false });
    return this.#writer;
  }
}

/**
 * Opens the journal and says what is in it.
 * @throws {DamagedDatabase}
 * @throws {NewerFormat}
 * @throws {DatabaseInUse}
 */
export async function openSqliteJournal({ directory, code }: SqliteOptions, log: Log) {
  const file = join(directory, databaseName);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const created = await open(file, "a", 0o600);
  await created.chmod(0o600);
  await created.close();

  const writer = new Writer(file, code);
  const explained = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      await writer.stop();
      throw explain(error, file);
    }
  };
  const { isNew, ...state } = await explained(writer.ask<"open">({ type: "open", isFirst: true }));
  if (!state.clean) log.info("the datastore was not stopped cleanly; every acknowledged write is there", { file });
  if (isNew) log.debug("datastore created", { file });

  async function* rows(): AsyncGenerator<readonly Row[], void, undefined> {
    for (;;) {
      const memory = await explained(writer.ask<"load">({ type: "load" }));
      if (memory.byteLength === 0) return;
      yield [...decodeRows(memory)].map(detach);
    }
  }
  const recovered: Recovered = { ...state, rows: rows() };
  const { dev: disk } = await stat(directory);
  return { journal: new SqliteJournal({ file, code, writer, disk }), recovered };
}

async function appendTo(writer: Writer, { removed, rows, buckets, mark, clean = false }: Transaction): Promise<void> {
  const packed = encodeRows(rows);
  const revisions = Float64Array.from(removed);
  const request = { type: "append", removed: revisions, rows: packed, buckets, mark, clean } as const;
  await writer.ask<"append">(request, [packed, revisions.buffer]);
}

const rowsAtOnce = 500;

function* inPieces(rows: readonly Row[]): Generator<readonly Row[], void, undefined> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) yield rows.slice(from, from + rowsAtOnce);
}

async function removeDatabase(file: string): Promise<void> {
  for (const name of [file, `${file}-wal`]) await rm(name, { recursive: true, force: true });
}

/** Leaves what lies there under another name beside it, for whoever looks at it; a file keeps its own name as well until it is replaced. */
async function setAside(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  let number = 1;
  const name = () => join(dirname(file), `set-aside-${number}-${basename(file)}`);
  while (existsSync(name())) number++;
  if (found?.isFile()) await link(file, name());
  else if (found) await rename(file, name());
  await rm(`${file}-wal`, { recursive: true, force: true });
}

/** The row with a value of its own: a view would keep everything that it came with. */
function detach({ type, entry }: Row): Row {
  return { type, entry: { ...entry, value: Buffer.from(entry.value) } };
}

function explain(error: unknown, file: string): Error {
  if (!(error instanceof WriterFailure)) return new Error(`${file} cannot be opened`, { cause: error });
  const { kind, message } = error;
  const aside = `stop skiff, move ${file} (with ${databaseName}-wal, if there is one) away and put a good copy in its place`;
  switch (kind) {
    case "damaged":
      return new DamagedDatabase(`${file} ${message}: ${aside}`);
    case "newer":
      return new NewerFormat(`${file} ${message}: use the version of skiff that wrote it, or a later one`);
    case "in use":
      return new DatabaseInUse(`${file} ${message}: only one skiff server may run on a data directory`);
    case "lost":
    case "other":
      return new Error(`${file} cannot be opened: ${message}`);
  }
}
