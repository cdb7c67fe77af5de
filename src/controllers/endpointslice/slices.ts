import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import type { KubeObject, ObjectKey, OwnerReference } from "../../api/object.ts";
import type { EndpointSlice } from "../../api/schema/types.ts";
import { deletion, type WriteStep } from "../../client/carry-out.ts";
import type { Client } from "../../client/client.ts";
import { creationUnlessLeaving } from "../pod-writes.ts";
import { generateNameFrom } from "../pods.ts";

/** The label by which a slice says whose endpoints it has. */
export const serviceName = "kubernetes.io/service-name";
/** The label by which a slice says who keeps it. */
export const managedBy = "endpointslice.kubernetes.io/managed-by";

/** A slice as it should be; name and owner are the shell's. */
export type SliceContent = Pick<EndpointSlice, "addressType" | "endpoints" | "ports"> & {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** What should become of the slices of one Service. */
export interface SliceChanges {
  readonly create: readonly SliceContent[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly content: SliceContent }[];
  readonly remove: readonly EndpointSlice[];
}

/** Whether the slice is one that this manager keeps. */
export function isManagedBy({ metadata }: EndpointSlice, manager: string): boolean {
  return metadata.labels?.[managedBy] === manager;
}

/** The Service a slice belongs to. */
export function serviceOf({ metadata }: EndpointSlice): string | undefined {
  return metadata.labels?.[serviceName];
}

/** Keys for a watch on slices: the Service that they belong to. */
export function keysOfSlice(slice: KubeObject): readonly ObjectKey[] {
  const name = serviceOf(slice as EndpointSlice);
  return name ? [{ namespace: slice.metadata.namespace, name }] : [];
}

/** The same text for the same ports in whatever order. */
export function portsText(ports: readonly object[]): string {
  return JSON.stringify(ports.map((port) => JSON.stringify(Object.entries(port).sort())).sort());
}

/** The writes that make the changes; `of`: the Service by whose name slices are called. */
export function sliceWrites(
  { create, update, remove }: SliceChanges,
  { of, owner, client }: { of: ObjectKey; owner: OwnerReference | undefined; client: Client },
): WriteStep[] {
  return [
    ...update.map(({ slice, content: { labels, annotations, ...content } }) => () => {
      const { endpoints: _, ports: __, ...rest } = slice;
      return client.update(endpointSlice, {
        ...rest,
        ...content,
        metadata: { ...slice.metadata, labels, annotations },
      });
    }),
    ...create.map(({ labels, annotations, ...content }) => {
      const metadata = {
        generateName: generateNameFrom(of.name),
        ...(of.namespace && { namespace: of.namespace }),
        labels,
        annotations,
        ...(owner && { ownerReferences: [owner] }),
      };
      const slice = structuredClone({ ...content, metadata });
      return creationUnlessLeaving(() => client.create(endpointSlice, slice));
    }),
    ...remove.map((slice) => deletion(client, endpointSlice, slice)),
  ];
}
