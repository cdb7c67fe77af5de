import { lease as leaseKind } from "../../api/kinds/coordination/lease.ts";
import { node as nodeKind } from "../../api/kinds/core/node.ts";
import type { Lease } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { microTimeText } from "../../api/time.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";

/** A node whose Lease is this old is held to be lost; it is renewed four times within (kubelet's defaults). */
const leaseSeconds = 40;
const namespace = "kube-node-lease";

/** The Lease by which the cluster knows that the node lives. */
export class NodeLease {
  readonly #parts: { readonly client: Client; readonly clock: Clock; readonly name: string };
  #lease: Lease | undefined;

  constructor(parts: { readonly client: Client; readonly clock: Clock; readonly name: string }) {
    this.#parts = parts;
  }

  /** Made where there is none. @throws {StatusError} NotFound when the Node is gone: it has no Lease without it */
  async renew(stop: AbortSignal): Promise<void> {
    const { client, clock, name } = this.#parts;
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: microTimeText(clock.now()) };
    try {
      this.#lease ??= await client.get(leaseKind, { namespace, name });
      this.#lease = await client.update(leaseKind, { ...this.#lease, spec: { ...this.#lease.spec, ...spec } });
    } catch (error) {
      this.#lease = undefined;
      if (isReason(error, "Conflict")) {
        await new Backoff({ firstMs: 5, maxMs: 1_000, jitter: 1 }, clock).wait(stop);
        return this.renew(stop);
      }
      if (!isReason(error, "NotFound")) throw error;
      const { uid = "" } = (await client.get(nodeKind, { name })).metadata;
      const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
      this.#lease = await client.create(leaseKind, { metadata: { namespace, name, ownerReferences }, spec });
    }
  }
}
