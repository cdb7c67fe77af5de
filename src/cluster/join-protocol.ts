/** What a device and a server say to each other when the device joins, and when its certificate is renewed. */
export const authorityPath = "/cacerts";
export const joinPath = "/v1-skiff/join";

/** Sent with a token, or with the certificate that the node has. */
export interface JoinRequest {
  readonly nodeName: string;
  /** PKCS #10, PEM: signed by the device's own key, which never leaves it. */
  readonly certificateRequest: string;
  /** Of the device's skiff; the first versions did not say theirs. */
  readonly version?: string;
}

export interface JoinAnswer {
  /** The node's certificate. */
  readonly certificate: string;
  /** Whom to believe from now on (PEM; during a change of the authority there are two). */
  readonly serverCa: string;
  /** Under which addresses servers answer. */
  readonly servers: readonly string[];
  readonly cluster: ClusterSettings;
  /** Of the server's skiff. */
  readonly version?: string;
}

/** What is the same on every node. */
export interface ClusterSettings {
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly networkBackend: string;
  /** Whether nodes wait for a cloud-controller-manager from outside. */
  readonly externalCloud?: boolean;
  /** How long the certificates of nodes live; a year where a server does not say so. */
  readonly leafLifetimeMs?: number;
  /** Absent in what a node kept from before there was local storage: then it is offered. */
  readonly localStorage?: { readonly offered: boolean; readonly path?: string };
}

/** Groups of a node's certificate: what kubelets are, and what reads the cluster's network. */
export const agentGroup = "system:skiff:agents";
export const nodeGroups = ["system:nodes", agentGroup];
