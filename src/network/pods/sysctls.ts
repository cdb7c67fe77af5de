import { writeFile } from "node:fs/promises";
import type { Log } from "../../base/log.ts";

/** Kernel settings of this network namespace: paths under /proc/sys/net and their values. */
export type Sysctls = Readonly<Record<string, string>>;

/** What a node needs that carries packets of pods. */
export function nodeSysctls({ ipv6 }: { ipv6: boolean }): Sysctls {
  return {
    "ipv4/ip_forward": "1",
    // NodePorts answer on 127.0.0.1 too (the ruleset refuses what comes from outside for 127.0.0.0/8).
    "ipv4/conf/all/route_localnet": "1",
    ...(ipv6 && { "ipv6/conf/all/forwarding": "1" }),
  };
}

/**
 * How long the kernel remembers a connection in which nothing moves, as kube-proxy sets it: what is forgotten is broken where it
 * leads through a Service. The kernel's own minute for half-closed ones is less than what servers wait.
 */
export const connectionSysctls: Sysctls = {
  "netfilter/nf_conntrack_tcp_timeout_established": String(24 * 60 * 60),
  "netfilter/nf_conntrack_tcp_timeout_close_wait": String(60 * 60),
};

/** What a pod's link needs on the node's side. */
export function linkSysctls(link: string, { ipv6 }: { ipv6: boolean }): Sysctls {
  return {
    [`ipv4/conf/${link}/proxy_arp`]: "1",
    // A pod may send only from the address that the node has a route to on that link.
    [`ipv4/conf/${link}/rp_filter`]: "1",
    ...(ipv6 && { [`ipv6/conf/${link}/accept_ra`]: "0" }),
  };
}

/** Sets them; one that the kernel lacks or refuses is reported and left. */
export async function setSysctls(sysctls: Sysctls, log: Log): Promise<void> {
  await Promise.all(
    Object.entries(sysctls).map(async ([path, value]) => {
      try {
        await writeFile(`/proc/sys/net/${path}`, value);
      } catch (error) {
        log.warn("a kernel setting could not be made", { setting: `net/${path}`, value, error });
      }
    }),
  );
}
