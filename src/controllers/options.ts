/** What controllers must know that the API does not tell them. */
export interface ControllerOptions {
  /** The networks that pods get their addresses from, one for each IP family ("10.42.0.0/16"). */
  readonly clusterCidrs: readonly string[];
  /** The certificate (PEM) by which pods know the API server. */
  readonly rootCa: string;
  /** How long a node may be silent before it counts as lost; 50 seconds unless said. */
  readonly nodeMonitorGraceMs?: number;
  /** How long a node that never reported may take; 60 seconds unless said. */
  readonly nodeStartupGraceMs?: number;
  /** Whether Services of type LoadBalancer get the addresses of the nodes; true unless said. */
  readonly serviceLoadBalancer?: boolean;
}
