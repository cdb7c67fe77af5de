import type { Pod } from "../../api/schema/types.ts";
import type { DnsSettings } from "../pod-network.ts";

/** A pod's host name (Kubernetes docs, "DNS for Services and Pods", section "Pod's hostname and subdomain fields"). */
export function hostnameOf(
  { metadata, spec }: Pod,
  { nodeName, clusterDomain }: { nodeName: string; clusterDomain: string },
) {
  const longest = 63;
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domain: "" };
  if (spec.hostNetwork) return { hostname: nodeName, domain: "" };
  const hostname = (spec.hostname || metadata.name).slice(0, longest).replace(/[-.]+$/, "");
  const domain = spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : "";
  return { hostname: spec.setHostnameAsFQDN && domain ? `${hostname}.${domain}` : hostname, domain };
}

/** A pod's /etc/hosts. `hostFile`: the node's own, for pods on the node's network. */
export function hostsFile(
  pod: Pod,
  {
    podIps,
    hostname,
    domain,
    hostFile,
  }: { podIps: readonly string[]; hostname: string; domain: string; hostFile: string },
): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`);
  const added = aliases.length > 0 ? `\n# Entries added by HostAliases.\n${aliases.join("")}` : "";
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${hostFile}${added}`;
  const own = podIps.map(
    (ip) => `${ip}\t${[domain && `${hostname}.${domain}`, hostname].filter(Boolean).join("\t")}\n`,
  );
  return [
    "# Kubernetes-managed hosts file.\n",
    "127.0.0.1\tlocalhost\n",
    "::1\tlocalhost ip6-localhost ip6-loopback\n",
    "fe00::0\tip6-localnet\n",
    "fe00::0\tip6-mcastprefix\n",
    "fe00::1\tip6-allnodes\n",
    "fe00::2\tip6-allrouters\n",
    ...own,
    added,
  ].join("");
}

interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

function resolverOf(pod: Pod, { dns, hostFile }: { dns: DnsSettings; hostFile: string }): Resolver {
  const { dnsPolicy = "ClusterFirst", hostNetwork, dnsConfig = {} } = pod.spec;
  const host = resolverFrom(hostFile);
  const none: Resolver = { nameservers: [], searches: [], options: [] };
  const cluster = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !hostNetwork);
  const domain = dns.clusterDomain;
  const base: Resolver =
    dnsPolicy === "None"
      ? none
      : cluster && dns.clusterDns.length > 0
        ? {
            nameservers: dns.clusterDns,
            searches: [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches],
            options: ["ndots:5"],
          }
        : host;
  const added = (dnsConfig.options ?? []).map(({ name = "", value }) => (value ? `${name}:${value}` : name));
  const replaced = new Set(added.map(optionName));
  return {
    nameservers: [...new Set([...base.nameservers, ...(dnsConfig.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(dnsConfig.searches ?? [])])],
    options: [...base.options.filter((option) => !replaced.has(optionName(option))), ...added],
  };
}

/** What programs can do with: the C library's limits, and kubelet's of the length of all searched domains. */
const nameserversAtMost = 3;
const searchesAtMost = 32;
const searchCharactersAtMost = 2048;

function withinLimits(resolver: Resolver): Resolver {
  const searches: string[] = [];
  for (const domain of resolver.searches.slice(0, searchesAtMost)) {
    if ([...searches, domain].join(" ").length > searchCharactersAtMost) break;
    searches.push(domain);
  }
  return { ...resolver, searches, nameservers: resolver.nameservers.slice(0, nameserversAtMost) };
}

/** A pod's /etc/resolv.conf (the same page, section "Pod's DNS Policy"). `hostFile`: the node's own. */
export function resolvFile(pod: Pod, parts: { dns: DnsSettings; hostFile: string }): string {
  return resolverText(withinLimits(resolverOf(pod, parts)));
}

/** What had to be left out of it, in the words of the Event DNSConfigForming. */
export function resolvOmissions(pod: Pod, parts: { dns: DnsSettings; hostFile: string }): readonly string[] {
  const wanted = resolverOf(pod, parts);
  const { nameservers, searches } = withinLimits(wanted);
  const omitted = (what: string, some: string, line: string, applied: readonly string[]) =>
    `${what} limits were exceeded, some ${some} have been omitted, the applied ${line} line is: ${applied.join(" ")}`;
  return [
    ...(searches.length < wanted.searches.length ? [omitted("Search Line", "search paths", "search", searches)] : []),
    ...(nameservers.length < wanted.nameservers.length
      ? [omitted("Nameserver", "nameservers", "nameserver", nameservers)]
      : []),
  ];
}

const optionName = (option: string): string => option.split(":")[0] ?? "";

function resolverFrom(text: string): Resolver {
  const words = text.split("\n").map((line) => line.trim().split(/\s+/));
  const of = (name: string) => words.filter(([first]) => first === name).map(([, ...rest]) => rest);
  return {
    nameservers: of("nameserver").flatMap(([address]) => address ?? []),
    searches:
      of("search")
        .at(-1)
        ?.filter((domain) => domain !== ".") ?? [],
    options: of("options").flat(),
  };
}

function resolverText({ nameservers, searches, options }: Resolver): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}
