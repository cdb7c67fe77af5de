import { parseCidr, parseIp } from "../../base/ip.ts";
import { elementText, masqueradeMark, type Ruleset, tableName } from "./ruleset.ts";

/** What the fixed part of the table depends on. */
export interface TableSettings {
  /** The pods of this node; their traffic to the outside gets the node's address. Empty when a CNI does that. */
  readonly podCidrs: readonly string[];
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly answeredHere: ReadonlySet<string>;
  /** Where the cluster's DNS listens; not 53 when somebody else has that port on every address. */
  readonly dnsPort: number;
  /** UDP, where packets between nodes are wrapped and answers to them come from other ports. */
  readonly overlayPort?: number | undefined;
}

/** The whole table as one transaction that replaces whatever table of this name is there. */
export function tableText(settings: TableSettings, ruleset: Ruleset): string {
  const chains = [...ruleset.chains];
  return [
    `table ${tableName} {}`,
    `delete table ${tableName}`,
    `table ${tableName} {`,
    ...mapDeclarations(),
    ...[...ruleset.sets].map(([name, body]) => `set ${name} { ${body} }`),
    ...chains.map(([name]) => `chain ${name} {\n}`),
    ...baseChains(settings),
    "}",
    ...chains.flatMap(([name, rules]) => rules.map((rule) => `add rule ${tableName} ${name} ${rule}`)),
    ...[...ruleset.elements]
      .filter(([, elements]) => elements.size > 0)
      .map(([name, elements]) => `add element ${tableName} ${name} { ${[...elements].map(elementText).join(", ")} }`),
    "",
  ].join("\n");
}

function mapDeclarations(): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const daddr = family === 4 ? "ip daddr" : "ip6 daddr";
    const address = family === 4 ? "ipv4_addr" : "ipv6_addr";
    return [
      ...["services", "blocked", "firewall"].map(
        (name) => `map ${name}${family} { typeof ${daddr} . meta l4proto . th dport : verdict; }`,
      ),
      ...["nodeports", "blocked-nodeports", "hostports"].map(
        (name) => `map ${name}${family} { typeof meta l4proto . th dport : verdict; }`,
      ),
      `set hairpin${family} { type ${address} . ${address}; }`,
      // Told of already, within the last minute.
      `set unanswered${family} { type ${address}; size 1024; flags dynamic,timeout; timeout 1m; }`,
    ];
  });
}

/**
 * The hooks, in the order in which a packet meets them. Rules of NetworkPolicies belong behind `filter-forward`, in chains of
 * their own at priority 0, where destinations are rewritten already.
 */
function baseChains(settings: TableSettings): string[] {
  const key = (family: 4 | 6) => `${family === 4 ? "ip" : "ip6"} daddr . meta l4proto . th dport`;
  const port = "meta l4proto . th dport";
  const isLocal = (family: 4 | 6) =>
    family === 4 ? "meta nfproto ipv4 fib daddr type local" : "meta nfproto ipv6 ip6 daddr != ::1 fib daddr type local";
  const both = (rule: (family: 4 | 6) => string): string[] => [rule(4), rule(6)];
  const unassigned = (rest: (family: 4 | 6) => string) =>
    settings.serviceCidrs.map((cidr) => {
      const family = familyOf(cidr);
      return `${family === 4 ? "ip" : "ip6"} daddr ${cidr} ${rest(family)}goto refuse`;
    });
  return [
    // A reset reaches even a socket of this node that is still inside connect(); an ICMP error would be dropped there
    // and come again with the next attempt, a second later.
    chain("refuse", ["meta l4proto tcp reject with tcp reset", "reject with icmpx type port-unreachable"]),

    ...wrapped(settings),

    // Before destinations are rewritten.
    filter("filter-prerouting", "prerouting priority -110", [
      // route_localnet opens 127.0.0.0/8 for NodePorts; neighbours must not come in by it.
      'iifname != "lo" ip daddr 127.0.0.0/8 drop',
      ...both((family) => `${key(family)} vmap @firewall${family}`),
    ]),
    filter("filter-output-early", "output priority -110", [
      ...both((family) => `${key(family)} vmap @firewall${family}`),
    ]),

    // Destinations of Services become those of their endpoints.
    chain("dispatch", [
      ...dnsRedirect(settings),
      ...fromElsewhere(settings),
      ...both((family) => `${key(family)} vmap @services${family}`),
      ...both((family) => `${isLocal(family)} ${port} vmap @nodeports${family}`),
      ...both((family) => `${isLocal(family)} ${port} vmap @hostports${family}`),
    ]),
    chain("nat-prerouting", ["type nat hook prerouting priority -100; policy accept;", "jump dispatch"]),
    chain("nat-output", ["type nat hook output priority -100; policy accept;", "jump dispatch"]),

    // What was not rewritten and is for a Service has nobody to go to.
    filter("filter-input", "input priority -90", [
      ...both((family) => `${key(family)} vmap @blocked${family}`),
      ...both((family) => `${isLocal(family)} ${port} vmap @blocked-nodeports${family}`),
    ]),
    filter("filter-forward", "forward priority -90", [
      ...both((family) => `${key(family)} vmap @blocked${family}`),
      ...unassigned(() => ""),
    ]),
    filter("filter-output", "output priority -90", [
      ...both((family) => `${key(family)} vmap @blocked${family}`),
      ...both((family) => `${isLocal(family)} ${port} vmap @blocked-nodeports${family}`),
      ...unassigned(() => "fib daddr type != local "),
    ]),

    // Sources that the answer could not find its way back to become the node's.
    chain("nat-postrouting", [
      "type nat hook postrouting priority 100; policy accept;",
      `meta mark and ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark xor ${masqueradeMark} masquerade fully-random`,
      "ct status dnat ip saddr . ip daddr @hairpin4 masquerade fully-random",
      "ct status dnat ip6 saddr . ip6 daddr @hairpin6 masquerade fully-random",
      "ct status dnat ip saddr 127.0.0.0/8 masquerade fully-random",
      ...outsideMasquerade(settings),
    ]),

    // The last chain a packet meets. A connection to a pod of another node sends its second packet, and nothing has come back: the
    // kernel tells of it (unansweredIn), once a minute for each address. What is answered costs one comparison.
    chain(unansweredChain, ["type filter hook postrouting priority 300; policy accept;", ...unansweredPods(settings)]),
  ];
}

const unansweredChain = "unanswered";
const unansweredLine = new RegExp(`^trace id \\S+ ${tableName} ${unansweredChain} packet: .*?\\bip6? daddr (\\S+)`);

/** The address of another node's pod that does not answer, when a line of `nft monitor` tells of one. */
export function unansweredIn(line: string): string | undefined {
  return unansweredLine.exec(line)?.[1];
}

function unansweredPods({ podCidrs, clusterCidrs }: TableSettings): string[] {
  return podCidrs.flatMap((own) => {
    const family = familyOf(own);
    const daddr = family === 4 ? "ip daddr" : "ip6 daddr";
    const set = `@unanswered${family}`;
    const isNew = "ct status & (seen-reply | confirmed) == confirmed";
    return clusterCidrs
      .filter((cidr) => familyOf(cidr) === family)
      .map(
        (pods) =>
          `${isNew} ${daddr} ${pods} ${daddr} != ${own} ${daddr} != ${set} add ${set} { ${daddr} } meta nftrace set 1`,
      );
  });
}

function dnsRedirect({ answeredHere, dnsPort }: TableSettings): string[] {
  if (dnsPort === 53) return [];
  return [...answeredHere].map((address) => {
    const family = parseIp(address)?.family;
    const ip = family === 6 ? "ip6" : "ip";
    const to = family === 6 ? `[${address}]` : address;
    return `${ip} daddr ${address} meta l4proto { tcp, udp } th dport 53 dnat ${ip} to ${to}:${dnsPort}`;
  });
}

/** A client outside the pods that uses a cluster IP gets its answer by way of this node only. */
function fromElsewhere({ clusterCidrs, serviceCidrs, answeredHere }: TableSettings): string[] {
  return serviceCidrs.flatMap((services) => {
    const family = familyOf(services);
    const ip = family === 4 ? "ip" : "ip6";
    const pods = clusterCidrs.filter((cidr) => familyOf(cidr) === family);
    const own = [...answeredHere].filter((address) => parseIp(address)?.family === family);
    if (pods.length === 0) return [];
    const elsewhere = pods.map((cidr) => `${ip} saddr != ${cidr}`).join(" ");
    const notHere = own.length > 0 ? ` ${ip} daddr != { ${own.join(", ")} }` : "";
    return [`${ip} daddr ${services}${notHere} ${elsewhere} meta mark set meta mark or ${masqueradeMark}`];
  });
}

function outsideMasquerade({ podCidrs, clusterCidrs }: TableSettings): string[] {
  return podCidrs.map((pods) => {
    const family = familyOf(pods);
    const ip = family === 4 ? "ip" : "ip6";
    const inside = [
      ...clusterCidrs.filter((cidr) => familyOf(cidr) === family),
      family === 4 ? "224.0.0.0/4" : "ff00::/8",
    ];
    return `${ip} saddr ${pods} ${inside.map((cidr) => `${ip} daddr != ${cidr}`).join(" ")} masquerade fully-random`;
  });
}

/**
 * What is wrapped for another node is no connection: each packet's port is drawn from what is inside, and no answer comes to it. To
 * look for one costs time for each packet, and a place in a small device's table for each connection of pods a second time.
 */
function wrapped({ overlayPort }: TableSettings): string[] {
  if (overlayPort === undefined) return [];
  return [
    chain("untracked-prerouting", [
      "type filter hook prerouting priority -300; policy accept;",
      // Not what is only passed on, which may need another address.
      `udp dport ${overlayPort} fib daddr type local notrack`,
    ]),
    chain("untracked-output", [
      "type filter hook output priority -300; policy accept;",
      `udp dport ${overlayPort} notrack`,
    ]),
  ];
}

const familyOf = (cidr: string): 4 | 6 => parseCidr(cidr)?.family ?? 4;

/** A hook whose rules decide of connections with their first packet: all others meet one comparison. */
function filter(name: string, hook: string, rules: readonly string[]): string {
  return chain(name, [`type filter hook ${hook}; policy accept;`, "ct state != new accept", ...rules]);
}

function chain(name: string, rules: readonly string[]): string {
  return `chain ${name} {\n${rules.join("\n")}\n}`;
}
