import { ipText, parseIp } from "../../base/ip.ts";

/** A name inside the cluster's domain, taken apart. */
export type ClusterName =
  /** The domain itself, or "svc" and "pod" below it: nothing is there, but names are below. */
  | { readonly sort: "domain"; readonly name: "" | "svc" | "pod" | "dns-version" | "ns.dns" }
  | { readonly sort: "namespace"; readonly namespace: string }
  | { readonly sort: "service"; readonly namespace: string; readonly service: string; readonly port?: PortName }
  | { readonly sort: "endpoint"; readonly namespace: string; readonly service: string; readonly endpoint: string }
  | { readonly sort: "pod"; readonly namespace: string; readonly ip: string }
  /** In the domain, but of no form that a name may have. */
  | { readonly sort: "unknown" };

/** "_http._tcp" in front of a Service's name, without the underscores. */
export interface PortName {
  readonly name: string;
  readonly protocol: string;
}

/**
 * Takes a name apart (Kubernetes docs, "DNS for Services and Pods"); undefined when it is not in the domain.
 * Letters count the same in both cases.
 */
export function clusterNameFrom(text: string, domain: string): ClusterName | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  const zone = domain.toLowerCase();
  if (name !== zone && !name.endsWith(`.${zone}`)) return undefined;
  const labels = name === zone ? [] : name.slice(0, -zone.length - 1).split(".");
  const sort = labels.pop() ?? "";
  if (labels.length === 0) {
    return sort === "" || sort === "svc" || sort === "pod" || sort === "dns-version"
      ? { sort: "domain", name: sort }
      : { sort: "unknown" };
  }
  if (sort === "dns" && labels.join(".") === "ns") return { sort: "domain", name: "ns.dns" };
  const namespace = labels.pop() ?? "";
  if (sort !== "svc" && sort !== "pod") return { sort: "unknown" };
  if (labels.length === 0) return { sort: "namespace", namespace };
  if (sort === "pod") {
    const ip = labels.length === 1 ? ipFromDashes(labels[0] ?? "") : undefined;
    return ip ? { sort: "pod", namespace, ip } : { sort: "unknown" };
  }
  const service = labels.pop() ?? "";
  const [first, second] = labels;
  if (first === undefined) return { sort: "service", namespace, service };
  if (second === undefined) return { sort: "endpoint", namespace, service, endpoint: first };
  if (labels.length > 2 || !first.startsWith("_") || !second.startsWith("_")) return { sort: "unknown" };
  return { sort: "service", namespace, service, port: { name: first.slice(1), protocol: second.slice(1) } };
}

/** "10-42-0-7" for 10.42.0.7: how an endpoint is called that has no host name. */
export function dashesFrom(ip: string): string {
  return ip.replace(/[.:]/g, "-");
}

/** The inverse of dashesFrom; undefined when it is no address. */
export function ipFromDashes(label: string): string | undefined {
  const v4 = parseIp(label.replaceAll("-", "."));
  if (v4) return ipText(v4);
  const v6 = parseIp(label.replaceAll("-", ":"));
  return v6 && ipText(v6);
}

/** The address that a reverse name asks about ("7.0.42.10.in-addr.arpa"); undefined for other names. */
export function ipFromReverse(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  if (name.endsWith(".in-addr.arpa")) {
    const ip = parseIp(name.slice(0, -".in-addr.arpa".length).split(".").reverse().join("."));
    return ip && ipText(ip);
  }
  if (!name.endsWith(".ip6.arpa")) return undefined;
  const digits = name.slice(0, -".ip6.arpa".length).split(".").reverse().join("");
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return ipText({ family: 6, bits: BigInt(`0x${digits}`) });
}
