import { readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { CannotStart } from "../../base/lifecycle.ts";
import { missingFeatures, otherOverlay, wireguardCarrier } from "../../network/probe-kernel.ts";
import { checkConntrack, checkTools } from "../../network/tools.ts";
import { type Check, ok, problem, warning } from "./check.ts";

/** The kernel's network features, tried in a namespace of their own. */
export const kernel: Check = {
  name: "kernel",
  concerns: ({ agent }) => agent !== undefined,
  async look({ agent }) {
    if (process.getuid?.() !== 0) return problem("not root", "only root can try what the kernel can do: use sudo");
    const missing = await refusedPlainly(() => missingFeatures({ withOverlay: agent?.networkBackend === "vxlan" }));
    if (typeof missing === "string") return problem(release(), missing);
    if (missing.length === 0) return ok(`${release()}, nftables, veth`);
    const hint =
      missing.join() === "vxlan links"
        ? "take --flannel-backend host-gw, or a kernel that has them (on Ubuntu for Raspberry Pi: apt-get install linux-modules-extra-raspi)"
        : "take a kernel that has them";
    return problem(`without ${missing.join(", ")}`, `the kernel has no ${missing.join(" and no ")}: ${hint}`);
  },
};

/** The programs through which skiff speaks to the kernel. */
export const tools: Check = {
  name: "programs",
  concerns: ({ agent }) => agent !== undefined,
  async look() {
    const refusal = await refusedPlainly(checkTools);
    if (refusal !== undefined) return problem("incomplete", refusal);
    const without = await refusedPlainly(checkConntrack);
    return without === undefined
      ? ok("ip, nft, nsenter, conntrack")
      : warning("no conntrack", `${without}, or UDP clients go on asking pods that are gone`);
  },
};

/** Another Kubernetes on this machine, or what it left behind, takes the place of the overlay between nodes. */
export const overlay: Check = {
  name: "overlay",
  concerns: ({ agent }) => agent?.networkBackend === "vxlan",
  async look() {
    const other = await otherOverlay();
    if (other === undefined) return ok("vxlan is free for skiff");
    return problem(
      `${other} is there`,
      `${other}, the overlay of another Kubernetes, is on this machine, and skiff needs its place: remove that one (k3s-killall.sh, or ip link delete ${other}), or take --flannel-backend host-gw`,
    );
  },
};

/** What packets between nodes are to travel in, encrypted. */
export const tunnels: Check = {
  name: "WireGuard",
  concerns: ({ agent }) => agent?.networkBackend === "wireguard",
  async look() {
    const carrier = await refusedPlainly(wireguardCarrier);
    if (carrier === "kernel") return ok("the kernel's");
    if (carrier === "program")
      return warning(
        "wireguard-go",
        "the kernel has no WireGuard (a module since 5.6), so packets between nodes pass through wireguard-go, which costs more: load the module if there is one (modprobe wireguard)",
      );
    if (carrier !== undefined) return problem("no wg", carrier);
    return problem(
      "not there",
      "the kernel has no WireGuard (a module since 5.6): load it (modprobe wireguard), install wireguard-go, or choose another --flannel-backend",
    );
  },
};

/** Packets of pods pass through this machine. */
export const forwarding: Check = {
  name: "forwarding",
  concerns: ({ agent }) => agent !== undefined,
  async look(_, { root }) {
    const value = readFileSync(join(root, "proc/sys/net/ipv4/ip_forward"), "utf8").trim();
    return ok(value === "1" ? "on" : "off; skiff switches it on");
  },
};

/** What `work` resolves with, or the sentence with which it refuses. */
async function refusedPlainly<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CannotStart) return error.message;
    throw error;
  }
}
