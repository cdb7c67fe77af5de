import type { AnyObject } from "../../api/object.ts";
import { type LabelSelector, selects } from "../../api/selector.ts";
import { badRequest, forbidden, internalError, notFound, type Status, StatusError } from "../../api/status.ts";
import type { Call } from "../call.ts";
import type { DeleteOptionsBody } from "../http/query.ts";
import { deleteOptions } from "../http/query.ts";
import type { Answer } from "../registry/answer.ts";
import { deleteObject, refuseUnmetPreconditions } from "../registry/delete.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject, objectIn } from "../registry/held.ts";
import { timestamp } from "../registry/metadata.ts";
import { type Resource, storeKey, storePrefix } from "../registry/resources.ts";
import { updateObject } from "../registry/update.ts";
import type { Action } from "./action.ts";
import { created } from "./success.ts";

interface Budget extends AnyObject {
  spec: { selector?: LabelSelector; unhealthyPodEvictionPolicy?: string };
  status: {
    observedGeneration?: number;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    disruptedPods?: Record<string, string>;
    conditions?: readonly BudgetCondition[];
  };
}

interface BudgetCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
  readonly reason: string;
  readonly message: string;
}

// As many pods may be on their way out under one budget before the server waits for the controller to catch up.
const mostDisrupted = 2000;
const retryAfterSeconds = 10;

/** Deletes a pod unless a disruption budget forbids it (Kubernetes docs, "API-initiated Eviction"). */
export function evictPods({ registry }: { registry: Registry }): Action {
  return {
    async perform(call, body) {
      const { resource, namespace, name = "" } = call;
      const named = body.metadata.name;
      if (named && named !== name) throw badRequest("name in URL does not match name in Eviction object");
      const entry = registry.store.get(storeKey(resource, namespace, name));
      if (!entry) throw notFound(resource.name, name);
      const pod = heldObject(entry);
      const asked = deleteOptions((body.deleteOptions ?? {}) as DeleteOptionsBody, new URLSearchParams());
      const options = { ...asked, dryRun: (call.options.dryRun ?? false) || (asked.dryRun ?? false) };
      const podCall: Call = { ...call, subresource: undefined, options };
      if (!mayAlwaysGo(pod)) {
        const budgets = budgetsOf(registry, pod);
        if (budgets.length > 1) return tooManyBudgets();
        const [budget] = budgets;
        if (budget && (isReady(pod) || !unhealthyMayGo(budget)))
          await takeFromBudget(registry, podCall, { budget, pod });
      }
      refuseUnmetPreconditions(registry, podCall, pod);
      if (!options.dryRun) await tellOfEviction(registry, podCall);
      await deleteObject(registry, podCall, { isAdmitted: true });
      return created();
    },
  };
}

/** Notes in the pod's status why it goes. */
async function tellOfEviction(registry: Registry, call: Call): Promise<void> {
  const lastTransitionTime = timestamp(registry.clock.now());
  await updateObject(registry, call, {
    trusted: true,
    change: (pod) => {
      const { conditions = [], ...status } = (pod.status ?? {}) as { conditions?: { type: string }[] };
      const evicted = {
        type: "DisruptionTarget",
        status: "True",
        lastProbeTime: null,
        lastTransitionTime,
        reason: "EvictionByEvictionAPI",
        message: "Eviction API: evicting",
      };
      const others = conditions.filter(({ type }) => type !== evicted.type);
      return { ...pod, metadata: { ...pod.metadata }, status: { ...status, conditions: [...others, evicted] } };
    },
  });
}

function mayAlwaysGo(pod: AnyObject): boolean {
  const { phase } = (pod.status ?? {}) as { phase?: string };
  return (
    phase === "Succeeded" || phase === "Failed" || phase === "Pending" || pod.metadata.deletionTimestamp !== undefined
  );
}

/** Kubernetes answers this one without a reason. */
function tooManyBudgets(): Answer {
  const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
  const status: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 };
  return { sort: "status", code: 500, status };
}

async function takeFromBudget(
  registry: Registry,
  call: Call,
  { budget, pod }: { budget: Budget; pod: AnyObject },
): Promise<void> {
  const budgetCall: Call = {
    ...call,
    resource: budgetResource(registry),
    subresource: "status",
    name: budget.metadata.name,
    options: { dryRun: call.options.dryRun },
    fieldManager: "kube-apiserver",
  };
  await updateObject(registry, budgetCall, {
    change: (now) => disrupted(now as Budget, pod, timestamp(registry.clock.now())),
  });
}

function budgetResource({ catalog }: Registry): Resource {
  const resource = catalog.find("policy", "v1", "poddisruptionbudgets");
  if (!resource) throw internalError("there are no disruption budgets");
  return resource;
}

function budgetsOf(registry: Registry, pod: AnyObject): Budget[] {
  const resource = budgetResource(registry);
  return registry.store
    .list(storePrefix(resource, pod.metadata.namespace))
    .entries.map((entry) => objectIn(resource, entry) as Budget)
    .filter(({ spec }) => selects(spec?.selector, pod.metadata.labels));
}

function isReady(pod: AnyObject): boolean {
  const { conditions = [] } = (pod.status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** A pod that is not ready anyway takes nothing from the budget, where the application is healthy or the policy says so. */
function unhealthyMayGo({ spec, status }: Budget): boolean {
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

function disrupted(budget: Budget, pod: AnyObject, now: string): AnyObject {
  const { name, generation = 0 } = budget.metadata;
  const status = budget.status ?? {};
  if ((status.observedGeneration ?? 0) < generation)
    throw refused(`The disruption budget ${name} is still being processed by the server.`, retryAfterSeconds);
  const { disruptionsAllowed = 0, disruptedPods = {} } = status;
  const budgetName = { group: "policy", plural: "poddisruptionbudget" };
  if (disruptionsAllowed < 0) throw forbidden(budgetName, name, "pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > mostDisrupted) {
    const why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
    throw forbidden(budgetName, name, why);
  }
  const others = (status.conditions ?? []).filter(({ type }) => type !== "DisruptionAllowed");
  if (disruptionsAllowed === 0) throw refused(whyNone(budget));
  return {
    ...structuredClone(budget),
    status: {
      ...status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [pod.metadata.name]: now },
      ...(disruptionsAllowed === 1 && { conditions: [...others, insufficientPods(status, now)] }),
    },
  };
}

/** Why no pod may go; the numbers mean something only when they could be counted. */
function whyNone({ metadata: { name }, status }: Budget): string {
  const { desiredHealthy = 0, currentHealthy = 0, conditions = [] } = status ?? {};
  const condition = conditions.find(({ type }) => type === "DisruptionAllowed");
  const told = condition?.status === "False" && condition.message !== "" ? condition : undefined;
  const none = `The disruption budget ${name} does not allow evicting pods currently`;
  if (told?.reason === "SyncFailed") return `${none} because it failed sync: ${told.message}`;
  if (currentHealthy <= desiredHealthy)
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  return told ? `${none} (${told.reason}): ${told.message}` : none;
}

/** The condition of a budget of which nothing is left. */
function insufficientPods({ observedGeneration, conditions = [] }: Budget["status"], now: string): BudgetCondition {
  const before = conditions.find(({ type }) => type === "DisruptionAllowed");
  return {
    type: "DisruptionAllowed",
    status: "False",
    ...(observedGeneration && { observedGeneration }),
    lastTransitionTime: before?.status === "False" ? before.lastTransitionTime : now,
    reason: "InsufficientPods",
    message: "",
  };
}

function refused(message: string, retryAfter?: number): StatusError {
  return new StatusError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: "DisruptionBudget", message }],
    ...(retryAfter && { retryAfterSeconds: retryAfter }),
  });
}
