import type { Clock } from "../base/clock.ts";
import { ByLabels, Counter, countersMetric, Histogram, histogramsMetric, type Metric } from "../base/metrics.ts";

export type Attempt = "scheduled" | "unschedulable" | "error";
export type PendingPods = Readonly<Record<"active" | "backoff" | "unschedulable", number>>;

// kube-scheduler's bounds in seconds: from a millisecond, doubling.
const attemptBounds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
// Since a pod was first seen: from ten milliseconds, doubling.
const waitBounds = Array.from({ length: 20 }, (_, i) => 0.01 * 2 ** i);

/** Counts tries to place pods, under kube-scheduler's names. */
export class SchedulerMetrics {
  readonly #clock: Clock;
  readonly #attempts = new ByLabels(["profile", "result"], () => new Counter());
  readonly #durations = new ByLabels(["profile", "result"], () => new Histogram(attemptBounds));
  readonly #waits = new ByLabels(["attempts"], () => new Histogram(waitBounds));
  readonly #preemptions = new ByLabels([], () => new Counter());
  /** Asked when somebody looks; empty until the scheduler runs. */
  pending: () => PendingPods = () => ({ active: 0, backoff: 0, unschedulable: 0 });

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#preemptions.of();
  }

  /** A try that began at `triedAtMs` has ended so. */
  tried(profile: string, result: Attempt, triedAtMs: number): void {
    this.#attempts.of(profile, result).add();
    this.#durations.of(profile, result).observe(this.#secondsSince(triedAtMs));
  }

  /** A pod that was first seen at `seenAtMs` has a node now. */
  placed(attempts: number, seenAtMs: number): void {
    this.#waits
      .of(attempts > mostAttempts ? `${mostAttempts}+` : String(attempts))
      .observe(this.#secondsSince(seenAtMs));
  }

  preempted(): void {
    this.#preemptions.of().add();
  }

  metrics(): Metric[] {
    const pending = Object.entries(this.pending()).map(([queue, count]) => [{ queue }, count] as const);
    return [
      countersMetric({ name: "scheduler_schedule_attempts_total", help: "Tries to place a pod." }, this.#attempts),
      histogramsMetric(
        { name: "scheduler_scheduling_attempt_duration_seconds", help: "How long a try took, with the binding." },
        this.#durations,
      ),
      histogramsMetric(
        { name: "scheduler_pod_scheduling_sli_duration_seconds", help: "From a pod's appearance to its node." },
        this.#waits,
      ),
      { name: "scheduler_pending_pods", type: "gauge", help: "Pods that wait for a node.", samples: pending },
      countersMetric(
        { name: "scheduler_preemption_attempts_total", help: "Tries to make room by removing pods." },
        this.#preemptions,
      ),
    ];
  }

  #secondsSince(fromMs: number): number {
    return (this.#clock.elapsed() - fromMs) / 1000;
  }
}

// Above this, kube-scheduler does not tell numbers of tries apart.
const mostAttempts = 16;
