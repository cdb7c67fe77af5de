import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { type Controller, componentOf, startController } from "../client/controller.ts";
import type { Informers } from "../client/informer.ts";
import type { QueueMetrics } from "../client/work-queue-metrics.ts";
import { chosenControllers, serverLoops, type WholeClusterPart } from "./all.ts";
import type { ControllerOptions, PortRange } from "./options.ts";

export interface Surroundings {
  /** The API with the rights of a service account in kube-system: each controller has those of its own role only. */
  readonly clientFor: (account: string) => Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  /** Where their work queues are counted. */
  readonly queues?: QueueMetrics;
}

export interface RunControllersOptions extends Surroundings {
  readonly options: ControllerOptions;
}

/** Runs every controller that the settings ask for. Resolves when all have seen the cluster; disposing stops them. */
export function runControllers({ options, ...surroundings }: RunControllersOptions): Promise<Disposable> {
  return runAll(chosenControllers(options), surroundings);
}

/** Runs the loops that are the API server's own, in the same way. */
export function runServerLoops({
  nodePorts,
  ...surroundings
}: Surroundings & { readonly nodePorts: PortRange }): Promise<Disposable> {
  return runAll(serverLoops(nodePorts), surroundings);
}

async function runAll(
  controllers: readonly (Controller | WholeClusterPart)[],
  { clientFor, ...surroundings }: Surroundings,
): Promise<Disposable> {
  const running = new DisposableStack();
  try {
    const started = await Promise.all(
      controllers.map((one) =>
        "start" in one
          ? one.start({ ...surroundings, client: clientFor(one.account) })
          : startController(one, { ...surroundings, client: clientFor(one.account ?? componentOf(one)) }),
      ),
    );
    for (const controller of started) running.use(controller);
    return running;
  } catch (error) {
    running.dispose();
    throw error;
  }
}
