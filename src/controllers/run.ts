import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { startController } from "../client/controller.ts";
import type { Informers } from "../client/informer.ts";
import { allControllers, wholeClusterParts } from "./all.ts";
import type { ControllerOptions } from "./options.ts";

export interface RunControllersOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: ControllerOptions;
}

/** Runs every controller. Resolves when all have seen the cluster; disposing stops them. */
export async function runControllers({ options, ...environment }: RunControllersOptions): Promise<Disposable> {
  const running = new DisposableStack();
  try {
    const started = await Promise.all([
      ...allControllers(options).map((one) => startController(one, environment)),
      ...wholeClusterParts.map((start) => start(environment)),
    ]);
    for (const controller of started) running.use(controller);
    return running;
  } catch (error) {
    running.dispose();
    throw error;
  }
}
