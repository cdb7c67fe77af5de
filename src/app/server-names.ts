import { isIP } from "node:net";
import { hostname } from "node:os";
import { cidrAddress } from "../base/ip.ts";
import type { ServerConfig } from "./config.ts";

/** Every name and address under which this server's API is asked for. */
export function sansOf(config: ServerConfig, address: string): string[] {
  const names = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${config.clusterDomain}`,
  ];
  const own = [hostname(), config.agent.nodeName, "localhost", "127.0.0.1", "::1", address];
  const bound = isIP(config.listen.address) && !isAny(config.listen.address) ? [config.listen.address] : [];
  const services = config.serviceCidrs.map((cidr) => cidrAddress(cidr, 1));
  return [...new Set([...names, ...own, ...bound, ...services, ...config.tlsSans])];
}

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::";

/** Where this machine itself reaches what listens on `address`. */
export function localAddress(address: string): string {
  return isAny(address) ? "127.0.0.1" : address;
}
