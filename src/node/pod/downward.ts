import { compareQuantities, quantityFrom } from "../../api/quantity.ts";
import type { Container, Pod, ResourceFieldSelector } from "../../api/schema/types.ts";

export interface PodAddressing {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

/** The value of a field that a pod may be told of itself (Kubernetes docs, "Downward API", section "Available fields"). */
export function fieldValue(pod: Pod, fieldPath: string, { podIps, hostIps }: PodAddressing): string {
  const { metadata, spec } = pod;
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (map) return metadata[map as "labels" | "annotations"]?.[key ?? ""] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "metadata.labels":
      return lines(metadata.labels);
    case "metadata.annotations":
      return lines(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.podIP":
      return podIps[0] ?? "";
    case "status.podIPs":
      return podIps.join(",");
    case "status.hostIP":
      return hostIps[0] ?? "";
    case "status.hostIPs":
      return hostIps.join(",");
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** One `key="value"` a line, sorted; the value quoted as Go does. */
function lines(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

/** The value of a resource of a container; where it has no limit, that of the pod, and at most what the node has. */
export function resourceValue(
  { spec }: Pod,
  { resource, containerName, divisor }: ResourceFieldSelector,
  { own, allocatable }: { own: Container | undefined; allocatable: Readonly<Record<string, string>> },
): string {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const container = containerName ? containers.find(({ name }) => name === containerName) : own;
  if (!container) throw new Error(`container ${containerName} not found`);
  const [kind = "", ...rest] = resource.split(".");
  const name = rest.join(".");
  const { requests = {}, limits = {} } = container.resources ?? {};
  const [whole, most] = [spec.resources?.limits?.[name], allocatable[name] ?? "0"];
  const unlimited = whole !== undefined && compareQuantities(whole, most) < 0 ? whole : most;
  const value = kind === "limits" ? (limits[name] ?? unlimited) : (requests[name] ?? limits[name] ?? "0");
  const by = quantityFrom(divisor && divisor !== "0" ? divisor : "1").nanos;
  const { nanos } = quantityFrom(value);
  return String((nanos + by - 1n) / by);
}
