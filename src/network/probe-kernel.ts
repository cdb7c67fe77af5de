import { vxlan as overlay } from "./pods/routes.ts";
import { CommandFailed, runCommand, ToolMissing } from "./run-command.ts";

export { findStrictFilters } from "./pods/foreign-filters.ts";

/** A thing the network asks of the kernel, tried in a network namespace that is gone afterwards. */
interface Probe {
  readonly feature: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly input?: string;
}

const probes: readonly Probe[] = [
  { feature: "veth links", command: ["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"] },
  {
    feature: "nftables with address translation",
    command: ["nft", "-f", "-"],
    input: `table inet t {
  map m { typeof ip daddr . meta l4proto . th dport : verdict; }
  chain c {
    type nat hook prerouting priority dstnat;
    ip daddr . meta l4proto . th dport vmap @m
    fib daddr type local meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }
  }
  chain p {
    type nat hook postrouting priority srcnat;
    ct status dnat masquerade
  }
}
`,
  },
];
const vxlan: Probe = {
  feature: "vxlan links",
  command: ["ip", "link", "add", "x0", "type", "vxlan", "id", "1", "dstport", String(overlay.port)],
};

const wireguard: Probe = { feature: "WireGuard", command: ["ip", "link", "add", "w0", "type", "wireguard"] };

interface VxlanJson {
  readonly ifname: string;
  readonly linkinfo?: { readonly info_data?: { readonly id?: number; readonly port?: number } };
}

/** The link of another program that has the overlay's number and port: the kernel lets two not live side by side. */
export async function otherOverlay(): Promise<string | undefined> {
  const text = await runCommand("ip", ["-j", "-d", "link", "show", "type", "vxlan"]);
  const links = JSON.parse(text || "[]") as readonly VxlanJson[];
  return links.find(
    ({ ifname, linkinfo: { info_data: { id, port } = {} } = {} }) =>
      ifname !== overlay.link && id === overlay.id && port === overlay.port,
  )?.ifname;
}

/** What the kernel lacks of all that the pod network needs. As root; changes nothing. @throws {ToolMissing} */
export async function missingFeatures({ withOverlay }: { withOverlay: boolean }): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const probe of withOverlay ? [...probes, vxlan] : probes) if (!(await has(probe))) missing.push(probe.feature);
  return missing;
}

/**
 * What carries the tunnels on this machine: the kernel, or the program that stands in for it; undefined: nothing does.
 * @throws {ToolMissing} when the program is missing that both are set up with
 */
export async function wireguardCarrier(): Promise<"kernel" | "program" | undefined> {
  await runCommand("wg", ["--version"]);
  if (await has(wireguard)) return "kernel";
  try {
    await runCommand("wireguard-go", ["--version"]);
    return "program";
  } catch (error) {
    if (error instanceof ToolMissing) return undefined;
    throw error;
  }
}

async function has({ command, input = "" }: Probe): Promise<boolean> {
  try {
    await runCommand("unshare", ["-n", ...command], { input });
    return true;
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return false;
  }
}
