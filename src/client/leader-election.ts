import { lease } from "../api/kinds/coordination/lease.ts";
import type { Lease, LeaseSpec } from "../api/schema/types.ts";
import { microTimeText } from "../api/time.ts";
import { sleep } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "./client.ts";
import { ifThere } from "./if-there.ts";

export interface ElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** The Lease that stands for the office: "kube-system" and "skiff-controllers". */
  readonly namespace: string;
  readonly name: string;
  /** Who stands for election; unlike all others. */
  readonly identity: string;
}

// client-go's figures.
const durationMs = 15_000;
const renewWithinMs = 10_000;
const retryMs = 2000;

/**
 * Waits until this candidate holds the Lease, then runs `lead`, whose signal is aborted when the Lease is lost: another may lead
 * from then on. Returns when `stop` is aborted (the Lease is given back) or `lead` ends.
 */
export async function leadWhenElected(
  options: ElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const candidate = new Candidate(options);
  const { clock, log, identity } = options;
  while (!stop.aborted) {
    if (!(await candidate.tryToHold())) {
      await sleep(clock, retryMs, stop);
      continue;
    }
    log.info("leads from now on", { identity });
    const lost = new AbortController();
    const signal = AbortSignal.any([stop, lost.signal]);
    const leading = lead(signal).finally(() => lost.abort());
    await keepHolding(candidate, clock, signal);
    lost.abort();
    await leading;
    if (stop.aborted) await candidate.release();
    else log.warn("leads no longer", { identity });
  }
}

async function keepHolding(candidate: Candidate, clock: Clock, signal: AbortSignal): Promise<void> {
  let renewedMs = clock.elapsed();
  while (!signal.aborted && clock.elapsed() - renewedMs < renewWithinMs) {
    await sleep(clock, retryMs, signal);
    if (!signal.aborted && (await candidate.tryToHold())) renewedMs = clock.elapsed();
  }
}

class Candidate {
  readonly #options: ElectionOptions;
  /** The Lease as last seen, and when in this machine's running time: another's clock may be wrong, and this one may be set. */
  #seen: { version: string | undefined; atMs: number } | undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Takes the Lease or renews it; false when another holds it or the server was not reached. */
  async tryToHold(): Promise<boolean> {
    const { client, clock, namespace, name, identity, log } = this.#options;
    try {
      const current = await this.#read();
      const time = microTimeText(clock.now());
      const base = { holderIdentity: identity, leaseDurationSeconds: durationMs / 1000, renewTime: time };
      if (!current) {
        const spec: LeaseSpec = { ...base, acquireTime: time, leaseTransitions: 0 };
        await client.create(lease, { metadata: { namespace, name }, spec });
        return true;
      }
      const holder = current.spec?.holderIdentity;
      if (holder && holder !== identity && !this.#hasExpired(current)) return false;
      const transitions = (current.spec?.leaseTransitions ?? 0) + (holder === identity ? 0 : 1);
      const acquireTime = holder === identity ? (current.spec?.acquireTime ?? time) : time;
      await client.update(lease, { ...current, spec: { ...base, acquireTime, leaseTransitions: transitions } });
      return true;
    } catch (error) {
      log.debug("lease not taken", { error });
      return false;
    }
  }

  async release(): Promise<void> {
    const { client, identity, log } = this.#options;
    try {
      const current = await this.#read();
      if (current?.spec?.holderIdentity !== identity) return;
      await client.update(lease, {
        ...current,
        spec: { ...current.spec, holderIdentity: "", leaseDurationSeconds: 1 },
      });
    } catch (error) {
      log.debug("lease not given back", { error });
    }
  }

  #read(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    return ifThere(client.get(lease, { namespace, name }));
  }

  #hasExpired({ metadata }: Lease): boolean {
    const elapsedMs = this.#options.clock.elapsed();
    if (this.#seen?.version !== metadata.resourceVersion)
      this.#seen = { version: metadata.resourceVersion, atMs: elapsedMs };
    return elapsedMs - (this.#seen?.atMs ?? elapsedMs) >= durationMs;
  }
}
