import type { AnyObject } from "../../api/object.ts";
import type { Status } from "../../api/status.ts";
import type { Entry } from "../../store/contract.ts";
import type { Resource } from "./resources.ts";

/** What a request on a resource is answered with, before it is given a form: bytes for a socket, objects in process. */
export type Answer = EntryAnswer | ObjectAnswer | ListAnswer | StatusAnswer;

/** An object as it is held. */
export interface EntryAnswer {
  readonly sort: "entry";
  readonly code: 200 | 201 | 202;
  readonly resource: Resource;
  readonly entry: Entry;
}

/** An object made for this answer. */
export interface ObjectAnswer {
  readonly sort: "object";
  readonly code: 200 | 201 | 202;
  /** What it is an object of; undefined where it is of no resource (a Scale, a review). */
  readonly resource: Resource | undefined;
  readonly object: AnyObject;
}

export interface ListAnswer {
  readonly sort: "list";
  readonly resource: Resource;
  readonly items: readonly ListItem[];
  readonly revision: string;
  readonly continue?: string | undefined;
  readonly remaining?: number | undefined;
}

/** An item of a list: held, or made for it. */
export type ListItem = Entry | { readonly object: AnyObject };

export interface StatusAnswer {
  readonly sort: "status";
  readonly code: number;
  readonly status: Status;
}
