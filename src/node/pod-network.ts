/** What a pod worker needs of a network. Offered by network/, put together in app/agent.ts. */
export interface PodNetwork {
  /**
   * Gives a sandbox its interface, address and routes. Called again for the same pod (after a restart of skiff) it checks
   * and mends what is there and returns the same addresses.
   */
  attach(pod: PodOnNetwork, signal: AbortSignal): Promise<PodAddresses>;
  /** Takes away what `attach` made and frees the address. Harmless when nothing is there. */
  detach(podUid: string): Promise<void>;
  /** Forgets, and removes from the kernel, every attachment whose pod is not in the list. Called once after a start. */
  keepOnly(podUids: ReadonlySet<string>): Promise<void>;
}

export interface PodOnNetwork {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The process whose network namespace is the sandbox's. */
  readonly pid: number;
  /** The addresses that it had, before a reboot for instance: it gets them again where they are free. */
  readonly hadIps?: readonly string[];
}

export interface PodAddresses {
  /** The first is the primary one. */
  readonly ips: readonly string[];
}

/** The resolver settings of the node and cluster, for a pod's /etc/resolv.conf. */
export interface DnsSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
}
