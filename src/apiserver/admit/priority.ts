import { forbidden, type StatusError } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { isPodWrite, newPodSpec, specOf } from "./pods.ts";

const prefix = "/priorityclasses.scheduling.k8s.io/";

interface PriorityClass {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy: string;
}

/** Turns the name of a pod's priority class into a number (Kubernetes docs, "Pod Priority and Preemption"). */
export function priority({ store }: { store: Store }): AdmissionStep {
  return {
    name: "Priority",
    mutate(review) {
      keepPriority(review);
      const spec = newPodSpec(review);
      if (!spec) return;
      const chosen = spec.priorityClassName ? named(store, spec.priorityClassName) : globalDefault(store);
      if (spec.priorityClassName && !chosen)
        throw refused(review, `no PriorityClass with name ${spec.priorityClassName} was found`);
      const value = chosen?.value ?? 0;
      const policy = chosen?.preemptionPolicy ?? "PreemptLowerPriority";
      if (chosen && !spec.priorityClassName) spec.priorityClassName = chosen.name;
      if (spec.priority !== undefined && spec.priority !== value)
        throw refused(
          review,
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      spec.priority = value;
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
        throw refused(
          review,
          `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      spec.preemptionPolicy = policy;
    },
    validate(review) {
      const { call, operation, old } = review;
      if (call.resource.bucket !== "priorityclasses.scheduling.k8s.io") return;
      refuseSecondDefault(store, review);
      if (operation !== "DELETE") return;
      if (!old?.metadata.name.startsWith("system-")) return;
      throw forbidden(call.resource.name, call.name ?? "", "this is a system priority class and cannot be deleted");
    },
  };
}

/** Clients that do not know of priorities do not take them away. */
function keepPriority(review: Review): void {
  const { operation, object, old } = review;
  if (operation !== "UPDATE" || !isPodWrite(review, "UPDATE") || !object || !old) return;
  const [next, before] = [specOf(object), specOf(old)];
  if (next.priority === undefined && before.priority !== undefined) next.priority = before.priority;
  if (next.preemptionPolicy === undefined && before.preemptionPolicy !== undefined)
    next.preemptionPolicy = before.preemptionPolicy;
}

function refuseSecondDefault(store: Store, review: Review): void {
  if (review.object?.globalDefault !== true) return;
  const there = globalDefault(store);
  if (!there || (review.operation === "UPDATE" && there.name === review.object.metadata.name)) return;
  throw refused(review, `PriorityClass ${there.name} is already marked as default. Only one default can exist`);
}

function refused({ call, object }: Review, why: string): StatusError {
  return forbidden(call.resource.name, object?.metadata.name ?? "", why);
}

function named(store: Store, name: string): PriorityClass | undefined {
  const entry = store.latest(prefix + name);
  return entry && classFrom(heldObject(entry));
}

function globalDefault(store: Store): PriorityClass | undefined {
  return store
    .list(prefix)
    .entries.map(heldObject)
    .filter(({ globalDefault }) => globalDefault === true)
    .map(classFrom)
    .sort((a, b) => a.value - b.value)[0];
}

function classFrom(object: ReturnType<typeof heldObject>): PriorityClass {
  return {
    name: object.metadata.name,
    value: Number(object.value ?? 0),
    preemptionPolicy: String(object.preemptionPolicy ?? "PreemptLowerPriority"),
  };
}
