import type { AnyObject } from "../../api/object.ts";
import type { Call } from "../call.ts";

/** A change on its way into the store, as the admission steps see it. */
export interface Review {
  readonly call: Call;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  /** The new object; of a deletion, none. Steps that mutate may change it. */
  readonly object: AnyObject | undefined;
  /** What is stored now; frozen. */
  readonly old: AnyObject | undefined;
}

/** One rule about what may be written. Both functions throw to refuse. */
export interface AdmissionStep {
  /** As in Kubernetes' list of admission controllers. */
  readonly name: string;
  mutate?(review: Review): void | Promise<void>;
  validate?(review: Review): void | Promise<void>;
  /** Whether it also judges what is posted to subresources as an object of another kind (Scale, Binding, Eviction). */
  readonly judgesParts?: true;
  /** Whether this step has changed an object so that all steps that mutate should look at it once more. */
  reinvokes?(review: Review): boolean;
}

/** Whether the object of a review is not of its resource's kind, which most steps are about. */
function isOfAnotherKind({ call: { resource, subresource } }: Review): boolean {
  const part = subresource === undefined ? undefined : resource.kind.subresources[subresource];
  return part !== undefined && part.sort !== "part";
}

/** The steps in the order they run: every mutation first, validation of the outcome last. */
export class Admission implements Disposable {
  readonly #steps: readonly (AdmissionStep & Partial<Disposable>)[];
  readonly #mutating: readonly AdmissionStep[];
  readonly #validating: readonly AdmissionStep[];

  constructor(steps: readonly (AdmissionStep & Partial<Disposable>)[]) {
    this.#steps = steps;
    this.#mutating = steps.filter((step) => step.mutate);
    this.#validating = steps.filter((step) => step.validate);
  }

  async mutate(review: Review): Promise<void> {
    await this.#mutateOnce(review);
    if (this.#mutating.some((step) => step.reinvokes?.(review))) await this.#mutateOnce(review);
  }
  async #mutateOnce(review: Review): Promise<void> {
    const isPart = isOfAnotherKind(review);
    for (const step of this.#mutating) {
      if (isPart && !step.judgesParts) continue;
      const pending = step.mutate?.(review);
      if (pending) await pending;
    }
  }
  async validate(review: Review): Promise<void> {
    const isPart = isOfAnotherKind(review);
    for (const step of this.#validating) {
      if (isPart && !step.judgesParts) continue;
      const pending = step.validate?.(review);
      if (pending) await pending;
    }
  }

  [Symbol.dispose](): void {
    for (const step of this.#steps) step[Symbol.dispose]?.();
  }
}
