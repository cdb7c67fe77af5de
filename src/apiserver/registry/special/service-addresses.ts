import { randomInt } from "node:crypto";
import { ipAddress } from "../../../api/kinds/networking/ip-address.ts";
import { serviceCIDR } from "../../../api/kinds/networking/service-cidr.ts";
import type { ServiceCIDR } from "../../../api/schema/types.ts";
import { internalError } from "../../../api/status.ts";
import { type Cidr, cidrAddress, cidrContains, cidrSize, parseCidr, parseIp } from "../../../base/ip.ts";
import type { Store } from "../../../store/contract.ts";
import { committedObjects, prefixOf } from "../objects.ts";

/** The least and the most addresses at the beginning of a range that are left to those who choose theirs (KEP-3070). */
const statics = { least: 16n, most: 256n, share: 16n };
const tries = 200;
/** How far into a range of IPv6 a random address may lie. */
const mostSpan = 2n ** 40n;

/** The addresses of Services: out of the ranges that ServiceCIDRs offer, free while no IPAddress object says otherwise. */
export class ServiceAddresses {
  readonly #store: Store;
  /** Taken by writes that are under way. */
  readonly #reserved = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Why the address cannot be had; undefined when it can. */
  refusalOf(address: string): string | undefined {
    const ip = parseIp(address);
    const range = ip && this.#ranges(ip.family).find((candidate) => cidrContains(candidate, ip));
    // The first address of a range is the network's own, the last of one of IPv4 that of all.
    const last = range?.family === 4 ? cidrAddress(range, cidrSize(range) - 1n) : undefined;
    if (!range || address === cidrAddress(range, 0n) || address === last)
      return "the provided network does not match the current range";
    return this.#isTaken(address) ? "provided IP is already allocated" : undefined;
  }

  /** Any that is free, of the first range that has one. */
  free(family: 4 | 6): string {
    for (const range of this.#ranges(family)) {
      const address = this.#freeIn(range);
      if (address !== undefined) return address;
    }
    throw internalError("failed to allocate a serviceIP: range is full");
  }

  reserve(address: string): void {
    this.#reserved.add(address);
  }

  release(address: string): void {
    this.#reserved.delete(address);
  }

  #isTaken(address: string): boolean {
    return this.#reserved.has(address) || this.#store.latest(prefixOf(ipAddress) + address) !== undefined;
  }

  /** A range that is leaving, or that somebody says is not ready, gives no more addresses. The cluster's own come first. */
  #ranges(family: 4 | 6): Cidr[] {
    return committedObjects(this.#store, serviceCIDR)
      .filter((object) => !object.metadata.deletionTimestamp && isReady(object))
      .sort((a, b) => Number(isDefault(b)) - Number(isDefault(a)))
      .flatMap(({ spec }) => spec?.cidrs ?? [])
      .flatMap((text) => parseCidr(text) ?? [])
      .filter((range) => range.family === family);
  }

  /** Addresses that nobody chose come from behind those that are left to be chosen, as long as there are any. */
  #freeIn(range: Cidr): string | undefined {
    const size = cidrSize(range);
    const end = range.family === 4 ? size - 1n : size;
    const left = size <= statics.least ? 0n : within(size / statics.share, statics.least, statics.most);
    const begin = 1n + left;
    const span = within(end - begin, 0n, mostSpan);
    for (let i = 0; i < tries && span > 0n; i++) {
      const address = cidrAddress(range, begin + BigInt(randomInt(Number(span))));
      if (!this.#isTaken(address)) return address;
    }
    for (let offset = begin; offset < begin + span; offset++) {
      const address = cidrAddress(range, offset);
      if (!this.#isTaken(address)) return address;
    }
    for (let offset = 1n; offset < begin && offset < end; offset++) {
      const address = cidrAddress(range, offset);
      if (!this.#isTaken(address)) return address;
    }
    return undefined;
  }
}

function isReady({ status }: ServiceCIDR): boolean {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status !== "False";
}

const isDefault = ({ metadata }: ServiceCIDR): boolean => metadata.name === "kubernetes";

function within(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value;
}
