import { replicationController } from "../../api/kinds/core/replication-controller.ts";
import { replicasController } from "../replicaset/replicas.ts";

export const replicationControllerController = replicasController({
  name: "replicationcontroller",
  component: "replication-controller",
  kind: replicationController,
  viewOf: (object) => ({
    owner: object,
    replicas: object.spec?.replicas ?? 1,
    minReadySeconds: object.spec?.minReadySeconds ?? 0,
    selector: { matchLabels: object.spec?.selector ?? {} },
    template: object.spec?.template ?? {},
    conditions: object.status?.conditions ?? [],
    countsTerminating: false,
  }),
});
