import type { StoreEvent } from "../contract.ts";

/** Where committed events are kept: what a disk must be able to do for the store. */
export interface Journal extends AsyncDisposable {
  /** All of it or nothing, on disk when it resolves. Called again only after the last call has settled. */
  append(transaction: Transaction): Promise<void>;
  /** Puts this in the place of all that was kept, which is gone. The whole of it or nothing. A journal without it is never lost. */
  replace?(all: Omit<Transaction, "removed">): Promise<void>;
  /** `told` is called when something touched what is kept here: the next `append` tells whether it is there still. */
  watch?(told: () => void): void;
}

/** What was kept before is not there any more, or can no longer be read: nothing can be added to it. */
export class JournalLost extends Error {
  override readonly name = "JournalLost";
}

export interface Transaction {
  /** Revisions whose rows go; done before rows are added. Those that are not there are no error. */
  readonly removed: readonly number[];
  readonly rows: readonly Row[];
  readonly buckets: readonly BucketRecord[];
  /** No revision up to this one is handed out again. */
  readonly mark?: number | undefined;
  /** The mark is exact and nothing is missing: the last transaction before a clean stop. */
  readonly clean?: boolean;
}

/** An event as it is kept. A deletion's row, with the last value, stands for what is gone until the history forgets it. */
export type Row = Pick<StoreEvent, "type" | "entry">;

/** What has to be known about a bucket beside its rows. Buckets without a record have their whole history in rows. */
export interface BucketRecord {
  readonly name: string;
  /** Rows up to this revision are no history any more: those that they replaced may be missing. */
  readonly compacted: number;
  /** Has had lazy or memory writes. Its rows are no history: they are the newest ones of their keys, and no others. */
  readonly volatile: boolean;
}

/** What a journal finds when it is opened. */
export interface Recovered {
  readonly mark: number;
  readonly clean: boolean;
  readonly buckets: readonly BucketRecord[];
  /** In the order of their revisions. */
  readonly rows: AsyncIterable<readonly Row[]>;
}
