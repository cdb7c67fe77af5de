import { existsSync } from "node:fs";
import { CommandFailed, runCommand } from "../run-command.ts";
import { type Attachment, attachmentFrom, nodeLink, routeProtocol } from "./names.ts";
import { type Backend, type OverlayEnd, type PeerRange, vxlan } from "./routes.ts";
import { wireguard } from "./wireguard.ts";

/** Carries out lines of `ip` in one go; stops at the first that fails. */
export async function ipBatch(lines: readonly string[], signal?: AbortSignal): Promise<void> {
  if (lines.length === 0) return;
  await runCommand("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n`, ...(signal && { signal }) });
}

/** The same in the network namespace of a process. */
export async function ipBatchInside(pid: number, lines: readonly string[], signal?: AbortSignal): Promise<void> {
  const input = `${lines.join("\n")}\n`;
  await runCommand("nsenter", ["-t", String(pid), "-n", "ip", "-batch", "-"], { input, ...(signal && { signal }) });
}

/** Whether a link of this name is there. */
export function linkExists(link: string): boolean {
  return existsSync(`/proc/sys/net/ipv4/conf/${link}`);
}

/** Removes a link; harmless when it is gone. */
export async function deleteLink(link: string): Promise<void> {
  if (!linkExists(link)) return;
  try {
    await runCommand("ip", ["link", "del", link]);
  } catch (error) {
    // The kernel removes a veth itself when the pod's namespace ends; it may do so between the look and the removal.
    if (!(error instanceof CommandFailed) || linkExists(link)) throw error;
  }
}

interface LinkJson {
  ifname: string;
  mtu: number;
  ifalias?: string;
}

/** The attachments that the kernel holds, by the name of their link. */
export async function readAttachments(): Promise<Map<string, Attachment>> {
  const links = JSON.parse((await runCommand("ip", ["-j", "link", "show", "type", "veth"])) || "[]") as LinkJson[];
  return new Map(
    links.flatMap(({ ifname, ifalias }) => {
      const attachment = attachmentFrom(ifalias ?? "");
      return attachment ? [[ifname, attachment] as const] : [];
    }),
  );
}

/** The MTU of the link that leads outside in this family; undefined where nothing leads outside. */
export async function readOutsideMtu(family: 4 | 6): Promise<number | undefined> {
  const text = await runCommand("ip", ["-j", `-${family}`, "route", "show", "default"]);
  const [route] = JSON.parse(text || "[]") as { dev?: string }[];
  if (!route?.dev) return undefined;
  const [link] = JSON.parse(await runCommand("ip", ["-j", "link", "show", "dev", route.dev])) as LinkJson[];
  return link?.mtu;
}

interface RouteJson {
  dst: string;
  dev?: string;
  gateway?: string;
  via?: { host: string };
}

/** The ways to other nodes that an earlier run set. */
export async function readPeerRoutes(backend: Backend): Promise<PeerRange[]> {
  const read = async (family: string) =>
    JSON.parse(
      (await runCommand("ip", ["-j", family, "route", "show", "proto", String(routeProtocol)])) || "[]",
    ) as RouteJson[];
  const routes = [...(await read("-4")), ...(await read("-6"))];
  return routes.flatMap(({ dst, dev, gateway, via }) => {
    // One into an overlay says nothing of where it leads. Those of a backend that was chosen before are set anew.
    const overlay = { vxlan: vxlan.link, wireguard: wireguard.link, "host-gw": undefined, none: undefined }[backend];
    if (overlay) return dev === overlay ? [{ cidr: dst, nodeIp: "", linkAddress: "" }] : [];
    const nodeIp = gateway ?? via?.host;
    return nodeIp ? [{ cidr: dst, nodeIp, linkAddress: "" }] : [];
  });
}

/** The MTU of the link that has this address; undefined where none has. */
export async function readMtuOf(address: string): Promise<number | undefined> {
  const text = await runCommand("ip", ["-j", "address", "show", "to", address]);
  // Links without such an address are printed as empty objects.
  return (JSON.parse(text || "[]") as Partial<LinkJson>[]).find(({ mtu }) => mtu !== undefined)?.mtu;
}

/** The addresses of vxlan's link; undefined where there is none. */
export async function readOverlay(): Promise<OverlayEnd | undefined> {
  if (!linkExists(vxlan.link)) return undefined;
  const text = await runCommand("ip", ["-j", "-d", "link", "show", "dev", vxlan.link]);
  const [link] = JSON.parse(text) as OverlayJson[];
  const { local, local6 } = link?.linkinfo?.info_data ?? {};
  return { nodeIp: local ?? local6 ?? "", linkAddress: link?.address ?? "" };
}

interface OverlayJson {
  address?: string;
  linkinfo?: { info_data?: { local?: string; local6?: string } };
}

/** Removes every link and route of skiff's. */
export async function removeLinks(): Promise<void> {
  const links = [...(await readAttachments()).keys(), nodeLink, vxlan.link, wireguard.link];
  for (const link of links) await deleteLink(link);
  for (const family of ["-4", "-6"]) {
    const routes = JSON.parse(
      (await runCommand("ip", ["-j", family, "route", "show", "proto", String(routeProtocol)])) || "[]",
    ) as RouteJson[];
    await ipBatch(routes.map(({ dst }) => `route del ${dst} proto ${routeProtocol}`));
  }
}
