import { apiService } from "../../../api/kinds/apiregistration/api-service.ts";
import type { AnyObject } from "../../../api/object.ts";
import { isReason } from "../../../api/status.ts";
import { ensure } from "../../system/bootstrap.ts";
import { systemCall } from "../../system/system-call.ts";
import { deleteObject } from "../delete.ts";
import type { Registry } from "../deps.ts";
import { committedObjects } from "../objects.ts";

const label = "kube-aggregator.kubernetes.io/automanaged";

/** Makes the APIServices of groups that definitions serve, and removes those of groups that are served no longer. */
export async function followApiServices(registry: Registry): Promise<void> {
  const { catalog, store } = registry;
  const served = new Map(
    catalog
      .all()
      .filter(({ custom }) => custom !== undefined)
      .map(({ kind: { group, version } }) => [`${version}.${group}`, { group, version }]),
  );
  const there = committedObjects(store, apiService);
  const names = new Set(there.map(({ metadata }) => metadata.name));
  for (const [name, { group, version }] of served)
    if (!names.has(name)) await ensure(registry, apiServiceFor(name, group, version));
  for (const { metadata } of there)
    if (metadata.labels?.[label] === "true" && !served.has(metadata.name)) await remove(registry, metadata.name);
}

function apiServiceFor(name: string, group: string, version: string): AnyObject {
  return {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name, labels: { [label]: "true" } },
    spec: { group, version, groupPriorityMinimum: 1000, versionPriority: 100 },
  };
}

async function remove(registry: Registry, name: string): Promise<void> {
  const resource = registry.catalog.find("apiregistration.k8s.io", "v1", "apiservices");
  if (!resource) return;
  try {
    await deleteObject(registry, systemCall(resource, { name }));
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
