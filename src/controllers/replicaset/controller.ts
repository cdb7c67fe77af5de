import { replicaSet } from "../../api/kinds/apps/replica-set.ts";
import { replicasController } from "./replicas.ts";

export const replicaSetController = replicasController({
  name: "replicaset",
  component: "replicaset-controller",
  kind: replicaSet,
  viewOf: (object) => ({
    owner: object,
    replicas: object.spec.replicas ?? 1,
    minReadySeconds: object.spec.minReadySeconds ?? 0,
    selector: object.spec.selector,
    template: object.spec.template ?? {},
    conditions: object.status?.conditions ?? [],
    countsTerminating: true,
  }),
});
