import { isDeepStrictEqual } from "node:util";
import { isLeaving } from "../../api/object.ts";
import type { LoadBalancerIngress, Node, Service } from "../../api/schema/types.ts";
import type { EventNews } from "../../client/events.ts";
import type { CloudProvider } from "../cloud/provider.ts";

/** Holds a Service until its load balancer is taken down (Kubernetes docs, "Service", "Garbage collecting load balancers"). */
export const finalizer = "service.kubernetes.io/load-balancer-cleanup";

export interface Observed {
  readonly service: Service;
  readonly nodes: readonly Node[];
  readonly provider: CloudProvider;
  /** Whether load balancers are made at all; where not, those that were made once are taken down. */
  readonly offered: boolean;
}

/** The Service as it is to be written with its status, and what is told before and after that. */
export interface Decision {
  readonly service: Service;
  readonly before: readonly EventNews[];
  readonly after: readonly EventNews[];
}

const news = (reason: string, message: string): EventNews => ({ type: "Normal", reason, message });
const noNodes: EventNews = {
  type: "Warning",
  reason: "UnAvailableLoadBalancer",
  message: "There are no available nodes for LoadBalancer",
};

/** What a Service's load balancer wants; undefined when all is as it should be. */
export function decide(observed: Observed): Decision | undefined {
  const { service, offered } = observed;
  // Whoever is named sees to it, from the beginning to the end.
  if (service.spec.loadBalancerClass !== undefined) return undefined;
  const isWanted = service.spec.type === "LoadBalancer" && !isLeaving(service);
  return isWanted && offered ? raised(observed) : takenDown(observed, isWanted);
}

function raised({ service, nodes, provider }: Observed): Decision | undefined {
  const ingress = provider.ingressOf(service, nodes);
  if (!ingress) return undefined;
  const isNew = !(service.metadata.finalizers ?? []).includes(finalizer);
  if (!isNew && isDeepStrictEqual(ingressIn(service), ingress)) return undefined;
  const finalizers = isNew ? [...(service.metadata.finalizers ?? []), finalizer] : service.metadata.finalizers;
  const unavailable = ingress.length === 0 ? [noNodes] : [];
  return {
    service: changed(service, finalizers, ingress),
    before: isNew ? [news("EnsuringLoadBalancer", "Ensuring load balancer"), ...unavailable] : unavailable,
    after: [
      isNew
        ? news("EnsuredLoadBalancer", "Ensured load balancer")
        : news("UpdatedLoadBalancer", "Updated load balancer with new hosts"),
    ],
  };
}

function takenDown({ service, nodes, provider, offered }: Observed, isWanted: boolean): Decision | undefined {
  const { finalizers = [] } = service.metadata;
  const isHeld = finalizers.includes(finalizer);
  // Where none are made here, somebody else may hold the Service for a load balancer of theirs.
  if (!offered && !provider.balances(service, nodes)) return undefined;
  if (!isHeld && (isWanted || ingressIn(service).length === 0)) return undefined;
  const left = finalizers.filter((one) => one !== finalizer);
  return {
    service: changed(service, left, []),
    before: isHeld ? [news("DeletingLoadBalancer", "Deleting load balancer")] : [],
    after: isHeld ? [news("DeletedLoadBalancer", "Deleted load balancer")] : [],
  };
}

const ingressIn = ({ status }: Service): readonly LoadBalancerIngress[] => status?.loadBalancer?.ingress ?? [];

function changed(service: Service, finalizers: string[] | undefined, ingress: LoadBalancerIngress[]): Service {
  const { finalizers: _, ...metadata } = service.metadata;
  const loadBalancer = ingress.length > 0 ? { ingress } : {};
  return {
    ...service,
    metadata: { ...metadata, ...(finalizers && finalizers.length > 0 && { finalizers }) },
    status: { ...service.status, loadBalancer },
  };
}
