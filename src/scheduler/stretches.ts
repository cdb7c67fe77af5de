/** How long work goes on at a stretch before requests and events of the process get their turn. */
const stretchMs = 10;

/** One piece of work; false when there is none. A promise only where something is waited for. */
export type Step = () => boolean | Promise<boolean>;

/** Does piece after piece as long as there are any, and lets others in between; never two at once. */
export class Stretches {
  readonly #step: Step;
  readonly #stop: AbortSignal;
  #planned = false;
  /** How long was worked since other work last had its turn. */
  #spentMs = 0;

  constructor(step: Step, stop: AbortSignal) {
    this.#step = step;
    this.#stop = stop;
  }

  /** There may be work: said again and again it counts once. */
  wake(): void {
    if (this.#planned || this.#stop.aborted) return;
    this.#planned = true;
    if (this.#spentMs < stretchMs) {
      // Before the next change is seen: each is answered by itself, also where several arrive together.
      queueMicrotask(() => void this.#work());
      if (this.#spentMs === 0) setImmediate(() => (this.#spentMs = 0));
    } else
      setImmediate(() => {
        this.#spentMs = 0;
        void this.#work();
      });
  }

  async #work(): Promise<void> {
    const [beganMs, spentBeforeMs] = [performance.now(), this.#spentMs];
    while (!this.#stop.aborted) {
      const did = this.#step();
      if (!(typeof did === "boolean" ? did : await did)) break;
      this.#spentMs = spentBeforeMs + performance.now() - beganMs;
      if (this.#spentMs > stretchMs) {
        this.#planned = false;
        this.wake();
        return;
      }
    }
    this.#planned = false;
  }
}
