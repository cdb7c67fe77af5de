import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { readIfThere, writeWhole } from "../../base/files.ts";
import { CannotStart } from "../../base/lifecycle.ts";
import type { Log } from "../../base/log.ts";
import { CommandFailed, runCommand, ToolMissing } from "../run-command.ts";
import { ipBatch, linkExists } from "./kernel.ts";
import type { KnownRange } from "./node-range.ts";
import { overlayAddresses, type PeerRange } from "./routes.ts";
import {
  heardIn,
  isKey,
  otherPlaceArguments,
  type PresentPeer,
  peerArguments,
  peersFrom,
  presentEndFrom,
  presentPeersFrom,
  wireguard,
} from "./wireguard.ts";

/** The node's end of all tunnels: one link, one key. */
export class WireguardLink {
  /** What other nodes must know of this one. */
  readonly publicKey: string;
  readonly #keyFile: string;
  readonly #mtu: number;
  readonly #clock: Clock;
  readonly #log: Log;

  private constructor(publicKey: string, options: { keyFile: string; mtu: number; clock: Clock; log: Log }) {
    this.publicKey = publicKey;
    this.#keyFile = options.keyFile;
    this.#mtu = options.mtu;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Reads the node's key, or makes one: it lies on this node only, readable by root. @throws {ToolMissing} */
  static async open(options: { directory: string; mtu: number; clock: Clock; log: Log }): Promise<WireguardLink> {
    const keyFile = join(options.directory, "wireguard.key");
    const key = (await readKey(keyFile, options.log)) ?? (await makeKey(keyFile));
    const publicKey = (await runCommand("wg", ["pubkey"], { input: `${key}\n` })).trim();
    return new WireguardLink(publicKey, { ...options, keyFile });
  }

  /** Makes the link, or mends it; sessions that are there go on. */
  async raise({ nodeIps }: KnownRange): Promise<void> {
    if (!linkExists(wireguard.link)) await addLink(this.#log);
    const { publicKey, port } = presentEndFrom(await this.#dump());
    // Not for nothing: wireguard-go closes its socket and opens another when it is told its port, and what arrives meanwhile is lost.
    if (publicKey !== this.publicKey || port !== wireguard.port)
      await runCommand("wg", [
        ...["set", wireguard.link],
        ...["listen-port", String(wireguard.port), "private-key", this.#keyFile],
      ]);
    await ipBatch([
      `link set ${wireguard.link} alias "skiff-overlay" mtu ${this.#mtu} up`,
      ...overlayAddresses(wireguard.link, nodeIps),
    ]);
  }

  /** Makes the nodes behind these ranges the link's peers. `from`: what the nodes said before. */
  async lead(from: readonly PeerRange[], to: readonly PeerRange[]): Promise<void> {
    const before = new Map(from.map(({ publicKey, nodeIp }) => [publicKey, nodeIp]));
    const moved = to.filter(({ publicKey, nodeIp }) => (before.get(publicKey) ?? nodeIp) !== nodeIp);
    const there = await this.#present();
    const changes = peerArguments(there, peersFrom(to), {
      moved: new Set(moved.flatMap(({ publicKey }) => publicKey ?? [])),
      nowMs: this.#clock.now(),
    });
    if (changes.length > 0) await runCommand("wg", ["set", wireguard.link, ...changes]);
  }

  /** A node is not heard where it was looked for: it is looked for at its other place, if there is one. */
  async tryOtherPlace(publicKey: string, nodeIp: string, heardAt: string): Promise<void> {
    const change = otherPlaceArguments(await this.#present(), { publicKey, nodeIp, heardAt }, this.#clock.now());
    if (change.length > 0) await runCommand("wg", ["set", wireguard.link, ...change]);
  }

  /** Where the nodes are heard, by key. */
  async heard(): Promise<ReadonlyMap<string, string>> {
    return heardIn(await this.#present(), this.#clock.now());
  }

  async #present(): Promise<PresentPeer[]> {
    return presentPeersFrom(await this.#dump());
  }

  #dump(): Promise<string> {
    return runCommand("wg", ["show", wireguard.link, "dump"]);
  }
}

/** The kernel's own; where it has none, the program that stands in for it, as wg-quick does. */
async function addLink(log: Log): Promise<void> {
  try {
    return await ipBatch([`link add ${wireguard.link} type wireguard`]);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
  }
  try {
    // Silent: it would hold on to our output for as long as it runs.
    await runCommand("wireguard-go", [wireguard.link], { env: { LOG_LEVEL: "silent" } });
  } catch (cause) {
    if (!(cause instanceof ToolMissing)) throw cause;
    throw new CannotStart(
      "the kernel has no WireGuard (a module since 5.6): load it, install wireguard-go, or choose another --flannel-backend",
      { cause },
    );
  }
  log.warn("the kernel has no WireGuard: packets between nodes pass through wireguard-go, which costs more");
}

async function readKey(file: string, log: Log): Promise<string | undefined> {
  const key = (await readIfThere(file))?.trim();
  if (key === undefined || isKey(key)) return key;
  log.warn("the node's WireGuard key is damaged; making another, which the other nodes learn", { file });
  return undefined;
}

async function makeKey(file: string): Promise<string> {
  const key = (await runCommand("wg", ["genkey"])).trim();
  await writeWhole(file, `${key}\n`);
  return key;
}
