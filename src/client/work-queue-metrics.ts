import type { Clock } from "../base/clock.ts";
import { ByLabels, Counter, countersMetric, Histogram, histogramsMetric, type Metric } from "../base/metrics.ts";

/** What becomes of the keys of one work queue. */
export interface QueueCounts {
  added(key: string): void;
  began(key: string): void;
  /** It was tried in vain and comes up again. */
  retried(): void;
  done(key: string): void;
}

// client-go's bounds, in seconds.
const bounds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 1, 10];

interface Queue {
  /** Since when a key waits, and since when one is worked on. */
  readonly waiting: Map<string, number>;
  readonly working: Map<string, number>;
  length: () => number;
}

/** Counts what work queues do, under client-go's names. */
export class QueueMetrics {
  readonly #clock: Clock;
  readonly #queues = new ByLabels<Queue>(["name"], () => ({ waiting: new Map(), working: new Map(), length: () => 0 }));
  readonly #adds = new ByLabels(["name"], () => new Counter());
  readonly #retries = new ByLabels(["name"], () => new Counter());
  readonly #waited = new ByLabels(["name"], () => new Histogram(bounds));
  readonly #worked = new ByLabels(["name"], () => new Histogram(bounds));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The counts of a queue; `length`: how many keys wait in it. */
  of(name: string, length: () => number): QueueCounts {
    const queue = this.#queues.of(name);
    queue.length = length;
    const [adds, retries] = [this.#adds.of(name), this.#retries.of(name)];
    const [waited, worked] = [this.#waited.of(name), this.#worked.of(name)];
    const seconds = (fromMs: number): number => (this.#clock.elapsed() - fromMs) / 1000;
    const end = (times: Map<string, number>, key: string, histogram: Histogram): void => {
      const fromMs = times.get(key);
      times.delete(key);
      if (fromMs !== undefined) histogram.observe(seconds(fromMs));
    };
    return {
      added: (key) => {
        adds.add();
        queue.waiting.set(key, this.#clock.elapsed());
      },
      began: (key) => {
        end(queue.waiting, key, waited);
        queue.working.set(key, this.#clock.elapsed());
      },
      retried: () => retries.add(),
      done: (key) => end(queue.working, key, worked),
    };
  }

  metrics(): Metric[] {
    const nowMs = this.#clock.elapsed();
    const gauge = (name: string, help: string, value: (queue: Queue) => number): Metric => ({
      name: `workqueue_${name}`,
      type: "gauge",
      help,
      samples: this.#queues.samples((queue, labels) => [[labels, value(queue)]]),
    });
    const running = ({ working }: Queue): number[] => [...working.values()].map((fromMs) => (nowMs - fromMs) / 1000);
    return [
      countersMetric({ name: "workqueue_adds_total", help: "Keys that were added." }, this.#adds),
      gauge("depth", "Keys that wait.", ({ length }) => length()),
      histogramsMetric({ name: "workqueue_queue_duration_seconds", help: "How long keys waited." }, this.#waited),
      histogramsMetric(
        { name: "workqueue_work_duration_seconds", help: "How long keys were worked on." },
        this.#worked,
      ),
      countersMetric(
        { name: "workqueue_retries_total", help: "Keys that failed and were added again." },
        this.#retries,
      ),
      gauge("unfinished_work_seconds", "For how long keys are being worked on by now, together.", (queue) =>
        running(queue).reduce((sum, one) => sum + one, 0),
      ),
      gauge("longest_running_processor_seconds", "The same, of the longest one.", (queue) =>
        Math.max(0, ...running(queue)),
      ),
    ];
  }
}
