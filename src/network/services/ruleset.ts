/** skiff's one table; everything in it is skiff's, nothing outside it is. */
export const tableName = "inet skiff";

/** Packets that carry it leave with the node's own address. */
export const masqueradeMark = "0x4000";

/** The maps and sets whose elements follow the cluster; declared in table.ts. */
export type ElementsName =
  | "services4"
  | "services6"
  | "nodeports4"
  | "nodeports6"
  | "blocked4"
  | "blocked6"
  | "blocked-nodeports4"
  | "blocked-nodeports6"
  | "firewall4"
  | "firewall6"
  | "hairpin4"
  | "hairpin6"
  | "hostports4"
  | "hostports6";

/** What follows the cluster in skiff's table: for one Service, or for all of them. */
export interface Ruleset {
  /** Sets that the kernel fills: their names and declarations. */
  readonly sets: ReadonlyMap<string, string>;
  /** Chains and their rules. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** By name of map or set: keys and their verdicts; sets have "" for a verdict. */
  readonly elements: ReadonlyMap<ElementsName, ReadonlyMap<string, string>>;
  /** Where UDP goes: not part of the table, but what the kernel's memory of flows is cleaned by. */
  readonly udp: ReadonlyMap<string, UdpFront>;
}

/** An address (or, without one, any of the node's) and port that lead to endpoints. */
export interface UdpFront {
  readonly family: 4 | 6;
  readonly address: string | undefined;
  readonly port: number;
  readonly endpoints: readonly string[];
}

export const emptyRuleset: Ruleset = { sets: new Map(), chains: new Map(), elements: new Map(), udp: new Map() };

/** A ruleset in the making. */
export class RulesetBuilder implements Ruleset {
  readonly sets = new Map<string, string>();
  readonly chains = new Map<string, readonly string[]>();
  readonly elements = new Map<ElementsName, Map<string, string>>();
  readonly udp = new Map<string, UdpFront>();

  set(name: string, declaration: string): void {
    this.sets.set(name, declaration);
  }
  chain(name: string, rules: readonly string[]): string {
    this.chains.set(name, rules);
    return name;
  }
  /** The first to name a key has it. */
  element(name: ElementsName, key: string, verdict = ""): void {
    let elements = this.elements.get(name);
    if (!elements) this.elements.set(name, (elements = new Map()));
    if (!elements.has(key)) elements.set(key, verdict);
  }
  udpFront(front: UdpFront): void {
    this.udp.set(`${front.family} ${front.address ?? "*"} ${front.port}`, front);
  }
}

/** All of them in one. Where two want the same address and port, the one that comes first gets it. */
export function mergeRulesets(rulesets: Iterable<Ruleset>): Ruleset {
  const merged = new RulesetBuilder();
  for (const { sets, chains, elements, udp } of rulesets) {
    for (const [name, declaration] of sets) merged.set(name, declaration);
    for (const [name, rules] of chains) merged.chain(name, rules);
    for (const [name, keys] of elements) for (const [key, verdict] of keys) merged.element(name, key, verdict);
    for (const front of udp.values()) merged.udpFront(front);
  }
  return merged;
}

/** An element as nft reads it. */
export function elementText([key, verdict]: readonly [string, string]): string {
  return verdict ? `${key} : ${verdict}` : key;
}
