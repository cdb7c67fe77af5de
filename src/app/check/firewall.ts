import { findStrictFilters } from "../../network/probe-kernel.ts";
import { type Check, ok, warning } from "./check.ts";

const betweenNodes: Readonly<Record<string, string>> = {
  vxlan: ", 8472/udp (vxlan)",
  wireguard: ", 51820/udp (wireguard)",
};

/** What keeps other nodes and pods out of this machine. */
export const firewall: Check = {
  name: "firewall",
  concerns: ({ agent }) => agent !== undefined,
  async look({ agent }) {
    if (process.getuid?.() !== 0) return ok("seen by root only");
    const filters = await findStrictFilters();
    if (filters.length === 0) return ok("none that keeps nodes or pods out");
    const ports = `6443/tcp on servers${betweenNodes[agent?.networkBackend ?? "vxlan"] ?? ""}`;
    const firewalld = filters.includes("firewalld")
      ? " (firewall-cmd --permanent --zone=trusted --add-source=10.42.0.0/16 --add-source=10.43.0.0/16)"
      : "";
    return warning(
      filters.join(", "),
      `all that is not named is kept out by ${filters.join(" and ")}: let in ${ports} from the other nodes, and all that comes from pods and Services, 10.42.0.0/16 and 10.43.0.0/16 unless you chose others${firewalld}`,
    );
  },
};
