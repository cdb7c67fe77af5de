import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { componentOf, startController } from "../client/controller.ts";
import type { Informers } from "../client/informer.ts";
import { chosenControllers } from "./all.ts";
import type { ControllerOptions } from "./options.ts";

export interface RunControllersOptions {
  /** The API with the rights of a service account in kube-system: each controller has those of its own role only. */
  readonly clientFor: (account: string) => Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: ControllerOptions;
}

/** Runs every controller. Resolves when all have seen the cluster; disposing stops them. */
export async function runControllers({
  options,
  clientFor,
  ...surroundings
}: RunControllersOptions): Promise<Disposable> {
  const running = new DisposableStack();
  try {
    const started = await Promise.all(
      chosenControllers(options).map((one) =>
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
