import type { Cidr } from "../base/ip.ts";
import type { ShutdownGrace } from "../node/pods.ts";

export type { ShutdownGrace };

import type { ApiServerSettings, ControllerManagerSettings, SchedulerSettings } from "./component-args.ts";
import type { KubeletSettings } from "./kubelet-args.ts";
import type { GivenTaint } from "./labels-and-taints.ts";

/** All that a server is told: the command line, the config file and the defaults, checked and of the right types. */
export interface ServerConfig {
  readonly dataDirectory: string;
  readonly listen: { readonly address: string; readonly port: number };
  /** The address that other machines and pods use; undefined: that of the interface with the default route. */
  readonly advertiseAddress: string | undefined;
  readonly tlsSans: readonly string[];
  /** How long the certificates of servers, nodes and the administrator live. */
  readonly leafLifetimeMs: number;
  readonly kubeconfig: { readonly file: string; readonly mode: number };
  readonly token: string | undefined;
  /** The secret with which only agents join; undefined: the same. */
  readonly agentToken: string | undefined;
  readonly clusterCidrs: readonly Cidr[];
  readonly serviceCidrs: readonly Cidr[];
  readonly nodePorts: { readonly from: number; readonly to: number };
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly staticTokensFile: string | undefined;
  /** Parts that are left out. */
  readonly without: {
    readonly agent: boolean;
    readonly scheduler: boolean;
    readonly controllers: boolean;
    /** Nodes wait for a cloud-controller-manager from outside. */
    readonly cloudController: boolean;
    readonly serviceLoadBalancer: boolean;
  };
  /** What of the API's requests is recorded. */
  readonly apiServerSettings: Partial<ApiServerSettings>;
  /** What the controllers are told by settings of kube-controller-manager. */
  readonly controllerSettings: ControllerManagerSettings;
  /** What the scheduler is told by settings of kube-scheduler. */
  readonly schedulerSettings: SchedulerSettings;
  /** Copies of the database; no schedule: none are made by themselves. */
  readonly snapshots: {
    readonly directory: string;
    readonly schedule: { readonly cron: string; readonly keep: number } | undefined;
  };
  /** How pod packets travel between nodes: the same on all. */
  readonly networkBackend: NetworkBackend;
  readonly localStorage: LocalStorageSettings;
  readonly agent: AgentConfig;
}

/** The local-path provisioner. `path`: where its volumes lie on every node; "storage" in the data directory unless said. */
export interface LocalStorageSettings {
  readonly offered: boolean;
  readonly path?: string;
}

export type NetworkBackend = "vxlan" | "host-gw" | "wireguard" | "none";

/** All that `skiff agent` is told. */
export interface JoinConfig {
  readonly dataDirectory: string;
  /** "https://192.0.2.1:6443" */
  readonly server: string;
  /** Needed until the device has its certificate. */
  readonly token: string | undefined;
  readonly agent: AgentConfig;
}

/** What the node's part is told. */
export interface AgentConfig {
  readonly nodeName: string;
  /** One, or one of each family; empty: that of the interface with the default route. */
  readonly nodeIps: readonly string[];
  readonly nodeExternalIps: readonly string[];
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly nodeTaints: readonly GivenTaint[];
  readonly kubelet: KubeletSettings;
  /** "unix:///var/run/docker.sock" */
  readonly runtimeEndpoint: string;
  /** How long pods may take to end when the machine goes down. */
  readonly shutdownGrace: ShutdownGrace;
}
