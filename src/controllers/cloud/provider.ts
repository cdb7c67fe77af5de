import type { LoadBalancerIngress, Node, Service } from "../../api/schema/types.ts";

/** A machine as a cloud knows it. */
export interface Instance {
  /** Names it in this cloud, never another one: "skiff://NAME". */
  readonly id: string;
  readonly type: string;
  readonly zone?: string;
  readonly region?: string;
}

/** Says what is behind nodes and reaches Services from outside (Kubernetes docs, "Cloud Controller Manager"). */
export interface CloudProvider {
  /** The machine behind a node; undefined when it is none of this cloud's. */
  instanceOf(node: Node): Instance | undefined;
  /** Where the Service is reached; undefined when nothing here could balance it, so that somebody else may. */
  ingressOf(service: Service, nodes: readonly Node[]): LoadBalancerIngress[] | undefined;
  /** Whether what the Service says of where it is reached came from here. */
  balances(service: Service, nodes: readonly Node[]): boolean;
}
