import { chmod, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../base/log.ts";
import { DamagedDatabase, DatabaseInUse, NewerFormat } from "../contract.ts";
import type { Journal, Recovered, Row, Transaction } from "../memory/journal.ts";
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
  #writer: Writer;

  constructor(file: string, code: WriterCode | undefined, writer: Writer) {
    this.#file = file;
    this.#code = code;
    this.#writer = writer;
  }

  async append({ removed, rows, buckets, mark, clean = false }: Transaction): Promise<void> {
    const writer = await this.#usableWriter();
    const packed = encodeRows(rows);
    const revisions = Float64Array.from(removed);
    const request = { type: "append", removed: revisions, rows: packed, buckets, mark, clean } as const;
    await writer.ask<"append">(request, [packed, revisions.buffer]);
  }

  async backup(file: string): Promise<void> {
    const writer = await this.#usableWriter();
    const copy = await open(file, "wx", 0o600);
    await copy.close();
    await writer.ask<"backup">({ type: "backup", file });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#writer.hasEnded) await this.#writer.ask<"close">({ type: "close" });
    } finally {
      await this.#writer.stop();
    }
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
  return { journal: new SqliteJournal(file, code, writer), recovered };
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
    case "other":
      return new Error(`${file} cannot be opened: ${message}`);
  }
}
