import { cidrContains, parseCidr, parseIp } from "../../base/ip.ts";
import type { Log } from "../../base/log.ts";
import { nextAddress } from "./allocate.ts";
import { deleteLink, ipBatch, ipBatchInside, linkExists, readAttachments } from "./kernel.ts";
import { type Attachment, aliasOf, linkNameOf } from "./names.ts";
import type { NodeRange } from "./node-range.ts";
import { makeLink, type PodWiring, wireInside, wireOutside } from "./scripts.ts";
import { linkSysctls, setSysctls } from "./sysctls.ts";

/** A pod's sandbox that wants a network. */
export interface SandboxToAttach {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** A process in the sandbox's network namespace. */
  readonly pid: number;
  /**
   * The addresses that it had: it gets them again where they are free. A node that boots without a server keeps its Services
   * that way, whose endpoints nobody can change meanwhile.
   */
  readonly hadIps?: readonly string[];
}

/**
 * Links of pods. What it knows, it has read from the kernel: each link carries its pod's uid and addresses as its alias,
 * so there is nothing on disk that could disagree with what is there.
 */
export class PodLinks {
  readonly #range: NodeRange;
  readonly #mtu: number;
  readonly #log: Log;
  readonly #attachments: Map<string, Attachment>;
  /** Where the search for a free address goes on, one a range. */
  readonly #cursors = new Map<string, bigint>();

  private constructor(range: NodeRange, mtu: number, log: Log, attachments: Map<string, Attachment>) {
    this.#range = range;
    this.#mtu = mtu;
    this.#log = log;
    this.#attachments = attachments;
  }

  static async open(options: { range: NodeRange; mtu: number; log: Log }): Promise<PodLinks> {
    return new PodLinks(options.range, options.mtu, options.log, await readAttachments());
  }

  /** Wires the sandbox, or mends its wires; the same pod keeps its addresses as long as its link lives. */
  async attach(pod: SandboxToAttach, signal: AbortSignal): Promise<{ ips: readonly string[] }> {
    const { cidrs, nodeIps } = await this.#range.known(signal);
    const link = linkNameOf(pod.uid);
    const kept = this.#attachments.get(link);
    const ips = kept && this.#fits(kept, cidrs) ? kept.ips : (this.#again(pod, cidrs) ?? this.#allocate(cidrs));
    const attachment = { podUid: pod.uid, ips };
    // Reserved before the first await: two pods that come at once get two addresses.
    this.#attachments.set(link, attachment);
    const alias = aliasOf(attachment, `${pod.namespace}/${pod.name}`);
    const wiring: PodWiring = { link, alias, ips, mtu: this.#mtu, nodeIps };
    try {
      await this.#wire(wiring, pod.pid, signal);
    } catch (error) {
      if (!kept) await this.detach(pod.uid);
      throw error;
    }
    return { ips };
  }

  async detach(podUid: string): Promise<void> {
    const link = linkNameOf(podUid);
    await deleteLink(link);
    this.#attachments.delete(link);
  }

  async keepOnly(podUids: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#attachments.values()].filter(({ podUid }) => !podUids.has(podUid));
    for (const { podUid } of gone) await this.detach(podUid);
    if (gone.length > 0) this.#log.info("links of pods that are gone were removed", { links: gone.length });
  }

  /** Sets the node's side of every link anew, where somebody else took routes away. */
  async mend(): Promise<void> {
    const nodeIps = this.#range.current?.nodeIps ?? [];
    for (const [link, { podUid, ips }] of this.#attachments) {
      if (!linkExists(link)) continue;
      const alias = aliasOf({ podUid, ips }, "");
      await ipBatch(wireOutside({ link, alias, ips, mtu: this.#mtu, nodeIps }));
      await setSysctls(linkSysctls(link, { ipv6: ips.some((ip) => ip.includes(":")) }), this.#log);
    }
  }

  async #wire(wiring: PodWiring, pid: number, signal: AbortSignal): Promise<void> {
    const outside = wireOutside(wiring);
    const inside = wireInside(wiring);
    const ipv6 = wiring.ips.some((ip) => ip.includes(":"));
    if (linkExists(wiring.link)) {
      try {
        await ipBatchInside(pid, inside, signal);
        await ipBatch(outside, signal);
        return await setSysctls(linkSysctls(wiring.link, { ipv6 }), this.#log);
      } catch {
        signal.throwIfAborted();
        // The other end is not in this sandbox: it belongs to one that is on its way out.
        await deleteLink(wiring.link);
      }
    }
    await ipBatch([...makeLink(wiring, pid), ...outside], signal);
    await Promise.all([ipBatchInside(pid, inside, signal), setSysctls(linkSysctls(wiring.link, { ipv6 }), this.#log)]);
  }

  #again({ uid, hadIps = [] }: SandboxToAttach, cidrs: readonly string[]): readonly string[] | undefined {
    const isTaken = [...this.#attachments.values()].some(({ ips }) => ips.some((ip) => hadIps.includes(ip)));
    return !isTaken && this.#fits({ podUid: uid, ips: hadIps }, cidrs) ? hadIps : undefined;
  }

  #fits({ ips }: Attachment, cidrs: readonly string[]): boolean {
    const ranges = cidrs.flatMap((text) => parseCidr(text) ?? []);
    return (
      ips.length === ranges.length && ranges.every((cidr, i) => cidrContains(cidr, parseIp(ips[i] ?? "") ?? zeroIp))
    );
  }

  #allocate(cidrs: readonly string[]): string[] {
    const taken = new Set([...this.#attachments.values()].flatMap(({ ips }) => ips));
    return cidrs.map((text) => {
      const cidr = parseCidr(text);
      if (!cidr) throw new Error(`the node's pod range ${text} is no network`);
      const { ip, offset } = nextAddress(cidr, taken, this.#cursors.get(text) ?? 1n);
      this.#cursors.set(text, offset);
      return ip;
    });
  }
}

const zeroIp = { family: 4, bits: 0n } as const;
