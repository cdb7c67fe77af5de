import type { Controller } from "../client/controller.ts";
import { deploymentController } from "./deployment/controller.ts";
import type { ControllerOptions } from "./options.ts";
import { replicaSetController } from "./replicaset/controller.ts";
import { replicationControllerController } from "./replicationcontroller/controller.ts";

/** Every controller, in the order that people read them; they start together. */
export function allControllers(_options: ControllerOptions): readonly Controller[] {
  return [deploymentController, replicaSetController, replicationControllerController];
}
