import { ArgRefused } from "../app/component-args.ts";
import type { Cidr } from "../base/ip.ts";
import { cidrText, parseCidr, parseIp } from "../base/ip.ts";
import { type Given, UsageError } from "./command.ts";

/**
 * Typed access to what the user gave. Every reader throws a UsageError of the form
 * `--cluster-cidr 10.42.0.0/33: a prefix is at most 32 for IPv4`.
 */
export class Values {
  readonly #given: Given;
  constructor(given: Given) {
    this.#given = given;
  }

  text(name: string): string | undefined {
    return this.#given.values.get(name)?.texts.at(-1);
  }
  list(name: string): readonly string[] {
    return this.#given.values.get(name)?.texts ?? [];
  }
  isOn(name: string): boolean {
    return this.text(name) === "true";
  }
  wrong(name: string, value: string, why: string): UsageError {
    return new UsageError(`${this.#given.values.get(name)?.source ?? `--${name}`} ${value}: ${why}`);
  }

  port(name: string, otherwise: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65535)
      throw this.wrong(name, text, "a port is a number from 1 to 65535");
    return port;
  }

  /** A duration as Kubernetes writes it: "90s", "1m30s". */
  seconds(name: string, otherwise: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
    if (!/^(\d+[hms])+$/.test(text)) throw this.wrong(name, text, "a duration is written as 90s or 1m30s");
    return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  }

  /** A file mode in octal digits. */
  mode(name: string, otherwise: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    if (!/^0?[0-7]{3}$/.test(text))
      throw this.wrong(name, text, "a file mode has three octal digits, such as 600 or 644");
    return Number.parseInt(text, 8);
  }

  ip(name: string): string | undefined {
    const text = this.text(name);
    if (text !== undefined && !parseIp(text)) throw this.wrong(name, text, "this is no IP address");
    return text;
  }

  ips(name: string): readonly string[] {
    for (const text of this.list(name)) if (!parseIp(text)) throw this.wrong(name, text, "this is no IP address");
    return this.list(name);
  }

  /** One network, or one of each family. */
  cidrs(name: string, otherwise: string): readonly Cidr[] {
    const texts = this.list(name).length > 0 ? this.list(name) : [otherwise];
    const cidrs = texts.map((text) => {
      const cidr = parseCidr(text);
      if (cidr) return cidr;
      const [address = "", prefix] = text.split("/");
      const family = parseIp(address)?.family;
      if (!family) throw this.wrong(name, text, "a network is an address and a prefix, such as 10.42.0.0/16");
      if (prefix === undefined) throw this.wrong(name, text, `the prefix is missing, such as ${text}/16`);
      throw this.wrong(name, text, `a prefix is at most ${family === 4 ? 32 : 128} for IPv${family}`);
    });
    if (cidrs.length > 2 || (cidrs.length === 2 && cidrs[0]?.family === cidrs[1]?.family)) {
      throw this.wrong(name, texts.join(","), "give one network, or one for IPv4 and one for IPv6");
    }
    return cidrs;
  }

  /** "30000-32767" */
  portRange(name: string, otherwise: string): { from: number; to: number } {
    const text = this.text(name) ?? otherwise;
    const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
    const range = { from: Number(from), to: Number(to) };
    if (!from || range.from < 1 || range.to > 65535 || range.from > range.to) {
      throw this.wrong(name, text, "a range of ports is written as 30000-32767");
    }
    return range;
  }

  oneOf<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const text = this.text(name);
    if (text === undefined) return choices[0];
    const choice = choices.find((candidate) => candidate === text);
    if (!choice) throw this.wrong(name, text, `choose one of ${choices.join(", ")}`);
    return choice;
  }

  /** Each value, read by `from`, which throws ArgRefused for one that cannot be right. */
  each<T>(name: string, from: (text: string) => T): T[] {
    return this.list(name).map((text) => {
      try {
        return from(text);
      } catch (error) {
        throw error instanceof ArgRefused ? this.wrong(name, text, error.message) : error;
      }
    });
  }
}

/** @throws {UsageError} when two networks share addresses */
export function refuseOverlap(
  a: { name: string; cidrs: readonly Cidr[] },
  b: { name: string; cidrs: readonly Cidr[] },
): void {
  for (const one of a.cidrs) {
    for (const other of b.cidrs) {
      const [wide, narrow] = one.prefix <= other.prefix ? [one, other] : [other, one];
      const hostBits = BigInt((wide.family === 4 ? 32 : 128) - wide.prefix);
      if (wide.family === narrow.family && wide.first >> hostBits === narrow.first >> hostBits) {
        throw new UsageError(
          `--${a.name} ${cidrText(one)} and --${b.name} ${cidrText(other)} overlap: pods and Services need networks of their own`,
        );
      }
    }
  }
}
