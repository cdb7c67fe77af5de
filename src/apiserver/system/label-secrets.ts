import { isReason } from "../../api/status.ts";
import type { Registry } from "../registry/deps.ts";
import { updateObject } from "../registry/update.ts";
import { systemCall } from "./system-call.ts";

/** Writes labels onto Secrets, behind whoever asks; a Secret that is just being written to is not written to again. */
export function labelSecrets(registry: Registry) {
  const underWay = new Set<string>();
  return (namespace: string, name: string, labels: Readonly<Record<string, string>>): void => {
    const resource = registry.catalog.find("", "v1", "secrets");
    const key = `${namespace}/${name}`;
    if (!resource || underWay.has(key)) return;
    underWay.add(key);
    const change = updateObject(registry, systemCall(resource, { namespace, name }), {
      change: (old) => {
        const next = structuredClone(old);
        next.metadata.labels = { ...next.metadata.labels, ...labels };
        return next;
      },
    });
    change
      .catch((error: unknown) => {
        if (!isReason(error, "NotFound"))
          registry.log.warn("a Secret was not labelled", { secret: key, labels, error });
      })
      .finally(() => underWay.delete(key));
  };
}
