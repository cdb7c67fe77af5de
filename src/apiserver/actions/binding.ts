import type { AnyObject } from "../../api/object.ts";
import { copyOf } from "../../api/patch/value.ts";
import { badRequest, conflict, internalError, StatusError } from "../../api/status.ts";
import type { Call } from "../call.ts";
import type { Registry } from "../registry/deps.ts";
import { timestamp } from "../registry/metadata.ts";
import { updateObject } from "../registry/update.ts";
import type { Action } from "./action.ts";
import { created } from "./success.ts";

interface Target {
  readonly kind?: string;
  readonly name?: string;
}

/** Gives a pod its node: what the scheduler does (API reference, "Binding"). */
export function bindPods({ registry }: { registry: Registry }): Action {
  return {
    async perform(call, body) {
      const pods = registry.catalog.find("", "v1", "pods");
      if (!pods) throw internalError("there are no pods");
      const name = call.name ?? body.metadata.name;
      if (body.metadata.name !== name) throw badRequest("name in URL does not match name in Binding object");
      const target = (body.target ?? {}) as Target;
      refuseBadTarget(target);
      const podCall: Call = { ...call, resource: pods, subresource: undefined, name };
      await updateObject(registry, podCall, {
        trusted: true,
        change: (pod) => bound(registry, pod, body, target, name),
      });
      return created();
    },
  };
}

function refuseBadTarget({ kind = "", name }: Target): void {
  const wrong = (message: string): StatusError => new StatusError(undefined, message, undefined, 500);
  if (kind && kind !== "Node")
    throw wrong(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  if (!name) throw wrong("target.name: Required value");
}

interface BindableSpec {
  nodeName?: string;
  schedulingGates?: unknown[];
}

interface Condition {
  type: string;
  status: string;
}

function bound(registry: Registry, pod: AnyObject, body: AnyObject, target: Target, name: string): AnyObject {
  const refused = (why: string): StatusError => conflict({ group: "", plural: "pods/binding" }, name, why);
  const next = copyOf(pod);
  next.spec ??= {};
  const spec = next.spec as BindableSpec;
  if (body.metadata.uid && body.metadata.uid !== pod.metadata.uid)
    throw refused(
      `Precondition failed: UID in precondition: ${body.metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  if (pod.metadata.deletionTimestamp) throw refused(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (spec.nodeName) throw refused(`pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if (spec.schedulingGates?.length) throw refused(`pod ${name} has non-empty .spec.schedulingGates`);
  spec.nodeName = target.name ?? "";
  const { annotations, labels } = body.metadata;
  if (annotations) next.metadata.annotations = { ...next.metadata.annotations, ...annotations };
  if (labels) next.metadata.labels = { ...next.metadata.labels, ...labels };
  markScheduled(next, timestamp(registry.clock.now()));
  return next;
}

function markScheduled(pod: AnyObject, now: string): void {
  pod.status ??= {};
  const status = pod.status as { conditions?: Condition[]; nominatedNodeName?: string };
  delete status.nominatedNodeName; // the pod has its node: nothing is kept free for it any more
  const others = (status.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  const scheduled = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: now };
  status.conditions = [...others, scheduled];
}
