import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { PodNetwork } from "../../src/node/pod-network.ts";

const run = promisify(execFile);

/** The plainest pod network: a veth and a route for each pod on this machine, nothing between machines. For tests of the node alone. */
export function vethNetwork(prefix: string): PodNetwork & AsyncDisposable {
  const attached = new Map<string, { link: string; ip: string; pid: number }>();
  let next = 1;

  async function detach(podUid: string): Promise<void> {
    const there = attached.get(podUid);
    attached.delete(podUid);
    if (there) await run("ip", ["link", "del", there.link]).catch(() => undefined);
  }

  return {
    async attach({ uid, pid }) {
      const there = attached.get(uid);
      if (there?.pid === pid) return { ips: [there.ip] };
      const number = next++;
      const [link, ip] = [`sktest${process.pid % 10_000}n${number}`, `${prefix}.${number}`];
      const inside = ["nsenter", "-t", String(pid), "-n", "ip"].join(" ");
      await run("sh", [
        "-ec",
        [
          `ip link add ${link} type veth peer name eth0 netns ${pid}`,
          `ip link set ${link} up`,
          `ip addr add 169.254.1.1/32 dev ${link}`,
          `ip route add ${ip}/32 dev ${link}`,
          `${inside} link set lo up`,
          `${inside} addr add ${ip}/32 dev eth0`,
          `${inside} link set eth0 up`,
          `${inside} route add 169.254.1.1 dev eth0 scope link`,
          `${inside} route add default via 169.254.1.1`,
        ].join("\n"),
      ]);
      attached.set(uid, { link, ip, pid });
      return { ips: [ip] };
    },
    detach,
    async keepOnly(podUids) {
      for (const uid of attached.keys()) if (!podUids.has(uid)) await detach(uid);
    },
    async [Symbol.asyncDispose]() {
      for (const uid of [...attached.keys()]) await detach(uid);
    },
  };
}
