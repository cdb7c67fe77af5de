import { isIP } from "node:net";
import { hostname } from "node:os";
import { cidrAddress } from "../base/ip.ts";
import type { ServerConfig } from "./config.ts";

/**
 * Where pods reach this server, as the Service "kubernetes" says: what the user says, or the node's own address. Not its external
 * one unless the user says so: many a router sends nothing back inside that comes from there.
 */
export function advertisedAddress({ advertiseAddress, agent }: ServerConfig, machine: string): string {
  return advertiseAddress ?? agent.nodeIps[0] ?? machine;
}

/** The URLs under which agents find this server. */
export function serverUrls(config: ServerConfig, machine: string, port: number): string[] {
  const hosts = [advertisedAddress(config, machine), ...config.agent.nodeExternalIps];
  return [...new Set(hosts)].map((host) => `https://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

/** Every name and address under which this server's API is asked for. */
export function sansOf(config: ServerConfig, machine: string): string[] {
  const names = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${config.clusterDomain}`,
  ];
  const { nodeName, nodeIps, nodeExternalIps } = config.agent;
  const addresses = [advertisedAddress(config, machine), machine, ...nodeIps, ...nodeExternalIps];
  const own = [hostname(), nodeName, "localhost", "127.0.0.1", "::1", ...addresses];
  const bound = isIP(config.listen.address) && !isAny(config.listen.address) ? [config.listen.address] : [];
  const services = config.serviceCidrs.map((cidr) => cidrAddress(cidr, 1));
  return [...new Set([...names, ...own, ...bound, ...services, ...config.tlsSans])];
}

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::";

/** Where this machine itself reaches what listens on `address`. */
export function localAddress(address: string): string {
  return isAny(address) ? "127.0.0.1" : address;
}
