import type { AnyObject } from "../../api/object.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../store/contract.ts";
import type { Admission } from "../admit/admission.ts";
import type { Call } from "../call.ts";
import type { WebhookClient } from "../webhooks/client.ts";
import type { Catalog } from "./resources.ts";

/** What the registry's functions work with. */
export interface Registry {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly catalog: Catalog;
  readonly admission: Admission;
  readonly webhooks: WebhookClient;
  /** By bucket: what the server does for a kind beyond what data can say. */
  readonly specials: ReadonlyMap<string, Special>;
  /** What the server wrote before it answered for the first time is nobody's history: older revisions are gone. */
  oldestRevision: number;
}

/**
 * What happens around the writes of a kind that needs more than its own object: addresses that are given out, rights that
 * may not be exceeded. Objects are in their stored version.
 */
export interface Special {
  /** Runs before validation; may change the object and throw. What it returns takes back what it took, if the write fails. */
  creating?(call: Call, object: AnyObject): Reservation | undefined;
  updating?(call: Call, object: AnyObject, old: AnyObject): Reservation | undefined;
  /** Runs before a deletion begins; throws to refuse. */
  deleting?(call: Call, object: AnyObject): void;
  /** Run when a write is on disk, before it is answered. */
  wrote?(object: AnyObject, old: AnyObject | undefined): void | Promise<void>;
  deleted?(object: AnyObject): void | Promise<void>;
  /** Whether something beyond metadata.finalizers still holds an object that is being deleted. */
  holds?(object: AnyObject): boolean;
}

/** Something that was taken for a write that may yet fail. */
export interface Reservation {
  /** Runs before each attempt to write the object, but for dry runs: writes down what was taken. */
  record?(): Promise<void>;
  /** Runs at the end; an object that was not written gives back what it took. */
  release(isWritten: boolean): void | Promise<void>;
}
