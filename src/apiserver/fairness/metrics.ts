import type { Metric, Sample } from "../../base/metrics.ts";
import type { Level } from "./level.ts";

/** Seats and turns, by priority level and flow schema, under Kubernetes' names. */
export function fairnessMetrics(levels: Iterable<Level>): Metric[] {
  const all = [...levels];
  const limited = (name: string, help: string, seats: (share: NonNullable<Level["share"]>) => number): Metric => ({
    name: `apiserver_flowcontrol_${name}`,
    type: "gauge",
    help,
    samples: all.flatMap(({ name: priority_level, share }): Sample[] =>
      share ? [[{ priority_level }, seats(share)]] : [],
    ),
  });
  const perFlow = (
    { name, type, help }: Pick<Metric, "name" | "type" | "help">,
    show: (
      flow: Level["flows"] extends ReadonlyMap<string, infer F> ? F : never,
    ) => readonly (readonly [object, number])[],
  ): Metric => ({
    name: `apiserver_flowcontrol_${name}`,
    type,
    help,
    samples: all.flatMap(({ name: priority_level, flows }) =>
      [...flows].flatMap(([flow_schema, flow]) =>
        show(flow).map(([labels, value]): Sample => [{ flow_schema, priority_level, ...labels }, value]),
      ),
    ),
  });
  return [
    limited("nominal_limit_seats", "Seats of a level by its shares.", ({ nominal }) => nominal),
    limited("lower_limit_seats", "Seats of a level that it never lends.", ({ own }) => own),
    limited("upper_limit_seats", "Seats of a level with all that it may borrow.", ({ most }) => most),
    perFlow(
      { name: "current_executing_requests", type: "gauge", help: "Requests that have a seat." },
      ({ executing }) => [[{}, executing]],
    ),
    perFlow(
      { name: "current_executing_seats", type: "gauge", help: "Seats taken: each request takes one." },
      ({ executing }) => [[{}, executing]],
    ),
    perFlow(
      { name: "current_inqueue_requests", type: "gauge", help: "Requests that wait for a seat." },
      ({ waiting }) => [[{}, waiting]],
    ),
    perFlow(
      { name: "dispatched_requests_total", type: "counter", help: "Requests that got a seat." },
      ({ dispatched }) => [[{}, dispatched]],
    ),
    perFlow({ name: "rejected_requests_total", type: "counter", help: "Requests that got none." }, ({ refused }) =>
      [...refused].map(([reason, count]) => [{ reason }, count]),
    ),
  ];
}
