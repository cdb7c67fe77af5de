import type { Clock } from "../base/clock.ts";
import { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { openGathering } from "./gather.ts";
import { nodeLink, nodeLinkPeer, routeProtocol } from "./pods/names.ts";
import { vxlan } from "./pods/routes.ts";
import { wireguard } from "./pods/wireguard.ts";
import type { ForeignChanges } from "./services/foreign-changes.ts";
import { tableName } from "./services/ruleset.ts";
import { unansweredIn } from "./services/table.ts";
import { watchKernel } from "./watch-kernel.ts";

// A network service that is restarted makes many changes within a moment: they are answered once.
const gatherMs = 150;

export interface Mending {
  readonly clock: Clock;
  readonly log: Log;
  readonly foreign: ForeignChanges;
  /** Writes the rules anew. */
  rules(): Promise<void>;
  /** Others changed what packets must pass: looks whether those of pods still do. */
  filters(): Promise<void>;
  /** Makes the kernel's settings anew. */
  settings(): Promise<void>;
  /** Sets links, addresses and routes anew. */
  links(): Promise<void>;
  /** A pod of another node, at this address, is sent packets and sends none. */
  unanswered(address: string): void;
  /** An address of the machine, or its way outside, may have become another. */
  moved(): Promise<void>;
}

/** Puts back what somebody else took away: a flushed ruleset, routes and links that a network service cleaned up. */
export async function mendWhatOthersTake({
  clock,
  log,
  foreign,
  rules,
  filters,
  settings,
  links,
  unanswered,
  moved,
}: Mending): Promise<AsyncDisposable> {
  const parts = new Lifecycle(log);
  const gathering = await parts.start("gathering", () => openGathering({ gatherMs, clock, log }));
  const taken = "putting back what something else took of skiff's network";
  // What fails is not tried again by itself: of the next change is heard, and a link that is down now comes up later.
  const mendRules = gathering.of("rules", taken, rules);
  const passFilters = gathering.of("filters", "something else changed its filters", filters);
  const mendSettings = gathering.of("settings", taken, settings);
  const mendLinks = gathering.of("links and routes", taken, links);
  const lookAround = gathering.of("addresses", "the machine's addresses changed", moved);
  await parts.start("rules", () =>
    watchKernel({
      command: ["nft", "monitor"],
      told: (line) => {
        if (line?.startsWith("trace id ")) {
          const address = unansweredIn(line);
          if (address !== undefined) unanswered(address);
          return;
        }
        if (line === undefined || foreign.isForeign(line)) mendRules();
        if (line === undefined || concernsFilters(line)) passFilters();
      },
      clock,
      log,
    }),
  );
  await parts.start("links", () =>
    watchKernel({
      command: ["ip", "-o", "monitor", "link", "address", "route", "netconf"],
      told: (line) => {
        if (line === undefined || concernsSkiff(line)) mendLinks();
        if (line === undefined || concernsSettings(line)) mendSettings();
        if (line === undefined || concernsMachine(line)) lookAround();
      },
      clock,
      log,
    }),
  );
  return parts;
}

/** Whether a line of `nft monitor` tells that somebody else's chains or rules became others. */
export function concernsFilters(line: string): boolean {
  return (
    /^\s*(add|insert|replace|delete|destroy|flush) (table|chain|rule) /.test(line) && !line.includes(` ${tableName}`)
  );
}

const own = new RegExp(
  `\\b(${nodeLink}|${nodeLinkPeer}|${vxlan.link}|${wireguard.link})\\b|\\bproto ${routeProtocol}\\b`,
);
const isPodLink = /\bskf[0-9a-f]{12}\b/;

/**
 * Whether a line of `ip monitor` tells that something of skiff's was taken away, or that a link to other machines came up, on
 * which routes may be set again. Links of pods come and go with their pods.
 */
export function concernsSkiff(line: string): boolean {
  if (isPodLink.test(line)) return line.startsWith("Deleted") && !/^Deleted \d+: /.test(line);
  if (line.startsWith("Deleted")) return own.test(line);
  // The kernel drops the routes of a link that is set down, and says nothing of them.
  if (own.test(line)) return /^\d+: [^<]*<(?![^>]*\bUP\b)/.test(line);
  return /^\d+: .*\bstate UP\b/.test(line) && !/\bveth|\bbr-|\bdocker/.test(line);
}

/** Whether a line of `ip monitor` tells that the machine is to forward nothing any more. */
export function concernsSettings(line: string): boolean {
  return /^inet6? all forwarding off/.test(line);
}

/** Whether a line of `ip monitor` tells of an address of the machine's own, or of its way outside. */
export function concernsMachine(line: string): boolean {
  const words = line.replace(/^Deleted /, "");
  return (
    words.startsWith("default ") || (/^\d+: .*\binet6? .*\bscope global\b/.test(words) && !/\bskf|\bskiff/.test(words))
  );
}
