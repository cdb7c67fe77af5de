import type { Log } from "../../base/log.ts";
import { CommandFailed, runCommand } from "../run-command.ts";
import type { Ruleset, UdpFront } from "./ruleset.ts";

/** Flows that the kernel goes on sending where it sent them, although nobody is there any more. */
export interface StaleFlows extends Pick<UdpFront, "family" | "address" | "port"> {
  /** The endpoint that went away; absent: flows that began before the port led anywhere. */
  readonly endpoint?: string;
}

/**
 * The UDP flows to forget when one ruleset follows another. TCP ends by itself, UDP has no end: a client that keeps asking
 * keeps its flow alive, and with it the way to an endpoint that is gone.
 */
export function staleFlows(from: Ruleset, to: Ruleset): StaleFlows[] {
  const left = [...from.udp].flatMap(([key, before]) => {
    const now = to.udp.get(key)?.endpoints ?? [];
    return before.endpoints.filter((ip) => !now.includes(ip)).map((endpoint) => ({ ...frontOf(before), endpoint }));
  });
  // A packet for a port of the node that led nowhere went to the node itself, and its flow would go on doing so.
  const opened = [...to.udp].flatMap(([key, front]) =>
    !front.address && front.endpoints.length > 0 && !from.udp.get(key)?.endpoints.length ? [frontOf(front)] : [],
  );
  return [...left, ...opened];
}

/** Makes the kernel forget them. */
export async function forgetFlows(flows: readonly StaleFlows[], log: Log): Promise<void> {
  for (const { family, address, port, endpoint } of flows) {
    const args = ["-D", "-f", family === 4 ? "ipv4" : "ipv6", "-p", "udp", "--orig-port-dst", String(port)];
    if (address) args.push("--orig-dst", address);
    if (endpoint) args.push("--reply-src", endpoint);
    try {
      await runCommand("conntrack", args);
    } catch (error) {
      // 1: there was none to forget.
      if (error instanceof CommandFailed && error.status === 1) continue;
      log.warn("UDP flows to an endpoint that is gone could not be forgotten", { port, endpoint, error });
    }
  }
}

function frontOf({ family, address, port }: UdpFront): StaleFlows {
  return { family, address, port };
}
