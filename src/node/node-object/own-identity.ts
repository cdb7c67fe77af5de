import type { NodeAddress, Taint } from "../../api/schema/types.ts";
import type { NodeIdentity } from "./node-writer.ts";

type Labels = Readonly<Record<string, string>>;

/** What a user says of a node and may say otherwise while it runs. */
export interface SaidOfNode {
  readonly externalIps: readonly string[];
  readonly labels: Labels;
}

export interface OwnIdentityOptions {
  readonly nodeName: string;
  /** The machine's own addresses; the first is the primary one. */
  readonly nodeIps: readonly string[];
  readonly externalIps?: readonly string[];
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** Whether a cloud-controller-manager outside says what this machine is; pods wait for that. */
  readonly externalCloud?: boolean;
  /** What the cloud calls this machine. */
  readonly providerId?: string | undefined;
}

/** What the drivers of the node add. */
export interface SaidByDrivers {
  labels(): Labels;
  annotations(): Readonly<Record<string, string | undefined>>;
}

/** Which addresses a cloud-controller-manager may give the node (kubelet's annotation). */
const providedIps = "alpha.kubernetes.io/provided-node-ip";
const waitsForCloud: Taint = {
  key: "node.cloudprovider.kubernetes.io/uninitialized",
  value: "true",
  effect: "NoSchedule",
};

/** Who this machine is to the cluster, as it now is: by its addresses, by what its user says and what its drivers say. */
export class OwnIdentity implements NodeIdentity {
  readonly name: string;
  readonly taints: readonly Taint[];
  readonly providerId: string | undefined;
  readonly externalCloud: boolean;
  readonly #options: OwnIdentityOptions;
  readonly #drivers: SaidByDrivers;
  #said: SaidOfNode;
  #ips: readonly string[];

  constructor(options: OwnIdentityOptions, drivers: SaidByDrivers) {
    const {
      nodeName,
      nodeIps,
      externalIps = [],
      labels = {},
      taints = [],
      providerId,
      externalCloud = false,
    } = options;
    this.name = nodeName;
    this.taints = [...taints, ...(externalCloud ? [waitsForCloud] : [])];
    this.providerId = providerId;
    this.externalCloud = externalCloud;
    this.#options = options;
    this.#drivers = drivers;
    this.#said = { externalIps, labels };
    this.#ips = nodeIps;
  }

  get ips(): readonly string[] {
    return this.#ips;
  }

  /** Whether these addresses are others than those that it had. */
  moveTo(ips: readonly string[]): boolean {
    if (ips.join() === this.#ips.join()) return false;
    this.#ips = ips;
    return true;
  }

  takeUp(said: SaidOfNode): void {
    this.#said = said;
  }

  addresses(): NodeAddress[] {
    const external = this.externalCloud ? [] : this.#said.externalIps;
    return [
      ...this.#ips.map((address) => ({ type: "InternalIP", address })),
      ...external.map((address) => ({ type: "ExternalIP", address })),
      { type: "Hostname", address: this.name },
    ];
  }

  labels(): Labels {
    return { ...this.#drivers.labels(), ...this.#said.labels };
  }

  annotations(): Readonly<Record<string, string | undefined>> {
    return {
      ...this.#options.annotations,
      ...this.#drivers.annotations(),
      [providedIps]: this.externalCloud ? this.#ips.join(",") : undefined,
    };
  }
}
