import { isDeepStrictEqual } from "node:util";
import { pod as podKind } from "../../api/kinds/core/pod.ts";
import { keyOf, keyText } from "../../api/object.ts";
import type { Pod, PodStatus } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { withoutNulls } from "../../api/without-nulls.ts";
import { Backoff, sleep } from "../../base/backoff.ts";
import type { Listing } from "../runtime.ts";
import { isStatic } from "../static-pods/read.ts";
import type { PodContext } from "./context.ts";
import type { ProbeFindings } from "./decide.ts";
import type { PodState } from "./state.ts";
import { rejectedStatusOf, statusOf } from "./status.ts";

const retryMs = { firstMs: 500, maxMs: 30_000 };
const conflictsAtMost = 5;

export interface ReportParts {
  readonly context: PodContext;
  readonly state: PodState;
  readonly findings: ReadonlyMap<string, ProbeFindings>;
  /** By container id. */
  readonly lastWords: ReadonlyMap<string, string>;
  readonly stopped: AbortSignal;
  /** The status could not be written as things are: look again. */
  readonly again: () => void;
}

/** Writes a pod's status into the API when it changed. */
export class StatusReports {
  readonly #parts: ReportParts;
  #next: Listing | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** Reports beside everything else: a server that cannot be reached keeps nothing from running. */
  soon(listing: Listing): void {
    this.#next = listing;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { context, state, stopped } = this.#parts;
    const backoff = new Backoff(retryMs, context.clock);
    while (this.#next && !stopped.aborted) {
      const listing = this.#next;
      this.#next = undefined;
      try {
        await this.write(listing);
      } catch (error) {
        context.log.debug("a pod's status was not written yet", { pod: keyText(keyOf(state.pod)), error });
        this.#next ??= listing;
        await backoff.wait(stopped);
      }
    }
  }

  /** Writes what the listing shows. @throws what the API answers, conflicts excepted */
  async write(listing: Listing): Promise<void> {
    const { context, state, stopped, again } = this.#parts;
    if (state.removed) return;
    // What is known of a pod that has run to its end stays known when its containers are gone.
    const { phase } = state.pod.status ?? {};
    if ((phase === "Failed" || phase === "Succeeded") && listing.sandboxes.length + listing.containers.length === 0)
      return;
    for (let attempt = 0; attempt < conflictsAtMost; attempt++) {
      const next = this.#status(listing);
      if (isDeepStrictEqual(withoutNulls(next), withoutNulls(state.pod.status ?? {}))) return;
      try {
        return state.take(await this.#publish({ ...state.pod, status: next }));
      } catch (error) {
        if (isReason(error, "NotFound")) return;
        if (!isReason(error, "Conflict")) throw error;
        // The other write may still be on its way to disk; what is read before is what was refused.
        await sleep(context.clock, 5 * 2 ** attempt, stopped);
        if (!(await this.#refetch())) return;
      }
    }
    again();
  }

  #status({ sandboxes, containers }: Listing): PodStatus {
    const { context, state, findings, lastWords } = this.#parts;
    if (state.rejected) return rejectedStatusOf(state, context.clock.now());
    return statusOf({
      pod: state.pod,
      containers,
      sandboxReady: sandboxes[0]?.state === "ready" && !state.ended,
      podIps: state.podIps,
      hostIps: context.hostIps,
      findings,
      troubles: state.troubles,
      lastWords,
      imageReferences: state.imageReferences,
      ended: state.ended,
      allocation: state.allocation,
      resize: state.resize,
      givenUp: state.givenUp,
      blocked: state.blocked,
      startedAtMs: state.firstSeenMs,
      nowMs: context.clock.now(),
    });
  }

  /** Resolves with the pod as it is now known. The API has only a picture of a static pod, with another uid. */
  async #publish(pod: Pod): Promise<Pod> {
    const { client, mirrors } = this.#parts.context;
    if (!isStatic(pod)) return client.updateStatus(podKind, pod);
    await mirrors.show(pod);
    return pod;
  }

  /** Somebody else changed the pod meanwhile. Resolves with whether it is still this one. */
  async #refetch(): Promise<boolean> {
    const { context, state } = this.#parts;
    if (isStatic(state.pod)) return true;
    try {
      const fresh = await context.client.get(podKind, keyOf(state.pod));
      if (fresh.metadata.uid !== state.uid) return false;
      state.believe(fresh);
      return true;
    } catch (error) {
      if (isReason(error, "NotFound")) return false;
      throw error;
    }
  }
}
