import type { Log } from "../../base/log.ts";
import { CommandFailed, runCommand } from "../run-command.ts";

/** What `nft -j` prints of a chain and of a rule, as far as it matters here. */
interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}
interface Rule {
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
}

/** By it skiff knows its rules among others'. */
const comment = "skiff";

// The chain that Docker keeps for its users' rules, and asks before it drops what it did not send itself.
const dockerUserChain = "DOCKER-USER";

/**
 * The chains in which pods' packets must be let through: where somebody's filter drops by policy what a node forwards
 * (Docker with its own iptables rules, ufw), for packets that skiff's table accepted are dropped there all the same.
 */
export function chainsToPass(chains: readonly Chain[]): Chain[] {
  return chains
    .filter(({ hook, policy }) => hook === "forward" && policy === "drop")
    .map((dropping) => {
      const inTable = ({ family, table }: Chain) => family === dropping.family && table === dropping.table;
      return chains.find((chain) => inTable(chain) && chain.name === dockerUserChain) ?? dropping;
    });
}

/** Lets the pods' packets through other filters that drop by policy. Called again, it adds what is missing. */
export async function passForeignFilters(clusterCidrs: readonly string[], log: Log): Promise<void> {
  for (const chain of chainsToPass(await listChains())) {
    const family = chain.family === "ip6" ? [6] : chain.family === "ip" ? [4] : [4, 6];
    const cidrs = clusterCidrs.filter((cidr) => family.includes(cidr.includes(":") ? 6 : 4));
    const there = (await listRules(chain)).filter((rule) => rule.comment === comment);
    if (cidrs.length === 0 || there.length === 2 * cidrs.length) continue;
    const rules = cidrs.flatMap((cidr) => {
      const ip = cidr.includes(":") ? "ip6" : "ip";
      return ["saddr", "daddr"].map(
        (end) => `insert rule ${nameOf(chain)} ${ip} ${end} ${cidr} accept comment "${comment}"`,
      );
    });
    await runCommand("nft", ["-f", "-"], { input: `${[...deletions(chain, there), ...rules].join("\n")}\n` });
    log.info("another filter drops forwarded packets; those of pods were let through there", { chain: nameOf(chain) });
  }
}

/**
 * The filters that keep out what they do not know, and that nobody but their owner can open: those of what reaches this machine
 * (ufw, hand-made ones), and firewalld's, which refuses what is passed on behind all others.
 */
export function strictFilters(chains: readonly Chain[]): string[] {
  const strict = chains.flatMap((chain) => {
    if (chain.hook === "input" && chain.policy === "drop") return [nameOf(chain)];
    return chain.hook === "forward" && chain.table === "firewalld" ? [chain.table] : [];
  });
  return [...new Set(strict)];
}

/** Such filters of this machine. As root. @throws {ToolMissing} */
export async function findStrictFilters(): Promise<string[]> {
  return strictFilters(await listChains());
}

/** Takes skiff's rules out of other filters. */
export async function leaveForeignFilters(): Promise<void> {
  const chains = await listChains();
  for (const chain of chains.filter(({ hook, name }) => hook === "forward" || name === dockerUserChain)) {
    const own = (await listRules(chain)).filter((rule) => rule.comment === comment);
    if (own.length > 0) await runCommand("nft", ["-f", "-"], { input: `${deletions(chain, own).join("\n")}\n` });
  }
}

function deletions(chain: Chain, rules: readonly Rule[]): string[] {
  return rules.map(({ handle }) => `delete rule ${nameOf(chain)} handle ${handle}`);
}

function nameOf({ family, table, name }: Chain): string {
  return `${family} ${table} ${name}`;
}

async function listChains(): Promise<Chain[]> {
  return (await list(["chains"])).flatMap(({ chain }) => chain ?? []);
}

async function listRules({ family, table, name }: Chain): Promise<Rule[]> {
  try {
    return (await list(["chain", family, table, name])).flatMap(({ rule }) => rule ?? []);
  } catch (error) {
    // Its owner took it away in the meantime.
    if (error instanceof CommandFailed) return [];
    throw error;
  }
}

async function list(what: readonly string[]): Promise<{ chain?: Chain; rule?: Rule }[]> {
  const text = await runCommand("nft", ["-j", "list", ...what]);
  return (JSON.parse(text) as { nftables: { chain?: Chain; rule?: Rule }[] }).nftables;
}
