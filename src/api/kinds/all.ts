import type { Kind } from "../kind.ts";
import { binding } from "./core/binding.ts";
import { componentStatus } from "./core/component-status.ts";
import { configMap } from "./core/config-map.ts";
import { endpoints } from "./core/endpoints.ts";
import { event } from "./core/event.ts";
import { limitRange } from "./core/limit-range.ts";
import { namespace } from "./core/namespace.ts";
import { node } from "./core/node.ts";
import { persistentVolume } from "./core/persistent-volume.ts";
import { persistentVolumeClaim } from "./core/persistent-volume-claim.ts";
import { pod } from "./core/pod.ts";
import { podTemplate } from "./core/pod-template.ts";
import { replicationController } from "./core/replication-controller.ts";
import { resourceQuota } from "./core/resource-quota.ts";
import { secret } from "./core/secret.ts";
import { service } from "./core/service.ts";
import { serviceAccount } from "./core/service-account.ts";
import { groupKinds } from "./groups.ts";

/** Every kind that the API server is born with: its group's, in the order that people read them. */
export const builtinKinds: readonly Kind[] = [
  pod,
  replicationController,
  service,
  endpoints,
  configMap,
  secret,
  serviceAccount,
  persistentVolumeClaim,
  persistentVolume,
  namespace,
  node,
  event,
  limitRange,
  resourceQuota,
  podTemplate,
  binding,
  componentStatus,
  ...groupKinds,
];
