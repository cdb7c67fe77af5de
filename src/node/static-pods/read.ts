import { createHash } from "node:crypto";
import { parseAllDocuments } from "yaml";
import { Path } from "../../api/field.ts";
import { pod as podKind } from "../../api/kinds/core/pod.ts";
import { decodeValue, strictMessage } from "../../api/schema/decode.ts";
import { typeNode } from "../../api/schema/table.ts";
import type { Pod } from "../../api/schema/types.ts";

/** A file of the directory of static pods that holds none; the message says why. */
export class NotAPod extends Error {
  override readonly name = "NotAPod";
}

/** What makes a pod a static one (Kubernetes docs, "Create static Pods"). */
export const source = "kubernetes.io/config.source";
export const configHash = "kubernetes.io/config.hash";

export const isStatic = (pod: Pod): boolean => pod.metadata.annotations?.[source] === "file" && !isMirror(pod);

/** The API's picture of a static pod. */
export const mirror = "kubernetes.io/config.mirror";
export const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[mirror] !== undefined;

/** The pod that a manifest describes, bound to this node. @throws {NotAPod} */
export function staticPodFrom(text: string, { nodeName }: { nodeName: string }): Pod {
  const pod = completed(text);
  const uid = createHash("sha256")
    .update(`${nodeName}\n${JSON.stringify(pod)}`)
    .digest("hex")
    .slice(0, 32);
  const { metadata, spec } = pod;
  return {
    ...pod,
    metadata: {
      ...metadata,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || "default",
      uid,
      annotations: { ...metadata.annotations, [source]: "file", [configHash]: uid },
    },
    spec: {
      ...spec,
      nodeName,
      // A taint does not end what only this node's owner can end.
      tolerations: [...(spec.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }],
    },
    status: { phase: "Pending" },
  };
}

function completed(text: string): Pod {
  const documents = parseAllDocuments(text);
  const [document] = documents;
  if (!document || documents.length > 1) throw new NotAPod("one Pod a file is wanted");
  if (document.errors[0]) throw new NotAPod(document.errors[0].message);
  const value: unknown = document.toJS();
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  if (kind !== "Pod" || apiVersion !== "v1") throw new NotAPod(`a Pod of v1 is wanted, not ${kind} of ${apiVersion}`);
  const { object, strictErrors } = decodeValue(value, typeNode(podKind.type));
  if (strictErrors.length > 0) throw new NotAPod(strictMessage(strictErrors));
  const pod = object as unknown as Pod;
  if (!pod.metadata?.name || !pod.spec) throw new NotAPod("metadata.name and spec are required");
  podKind.strategy.defaults?.(pod);
  const { spec } = pod;
  if (spec.serviceAccountName) throw new NotAPod("a static pod may not have a service account");
  // The API is not asked before such a pod runs: no token is put into it.
  pod.spec = { ...spec, automountServiceAccountToken: false };
  const [error] = podKind.strategy.validate?.(pod, new Path()) ?? [];
  if (error) throw new NotAPod(`${error.field}: ${error.message}`);
  return pod;
}
