import type { AnyObject, KubeObject } from "../api/object.ts";
import type { DiscoveredResource, ListOf, ResourceRequest, WatchEvent, WatchRequest } from "../api/request.ts";

/**
 * How a client reaches an API server. Two implementations: http.ts (over HTTPS), and the API server's own for parts in the
 * same process, which passes objects instead of bytes. Both act as a user, with that user's rights.
 */
export interface Transport {
  /**
   * Performs a request; resolves with the object, list or Status that the server answers.
   * @throws {StatusError} with what the server refused; other errors mean that it was not reached
   */
  request(request: ResourceRequest, signal?: AbortSignal): Promise<KubeObject | ListOf<AnyObject>>;

  /**
   * Opens a watch. The iterator ends when the server ends it (ask again from the last resourceVersion seen); it throws
   * StatusError "Expired" when the events asked for are gone (list again). Leaving the loop or aborting closes it.
   */
  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;

  /** What a version of an API group serves, without subresources. @throws {StatusError} "NotFound" when it is not served */
  discover(group: string, version: string, signal?: AbortSignal): Promise<readonly DiscoveredResource[]>;
}
