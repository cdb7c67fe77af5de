import { QuantityError, unitsOf } from "../api/quantity.ts";
import { type SignalName, signalNames } from "./pressure/signals.ts";

/** How little of something must be left for the node to be short of it, given how much there is. */
export type Threshold = (capacity: number) => number;
/** Of what is not named there is always enough. */
export type Thresholds = ReadonlyMap<SignalName, Threshold>;

const mebibyte = 2 ** 20;
/** Shares as k3s has them: a card is full at 95 %, and a device with little memory may use most of it. */
const leastShare: Threshold = (capacity) => Math.floor(capacity * 0.05);
const leastMemory: Threshold = (capacity) => Math.min(100 * mebibyte, leastShare(capacity));

export const usualThresholds: Thresholds = new Map(
  signalNames.map((name) => [name, name === "memory.available" ? leastMemory : leastShare]),
);

/** Reads kubelet's "eviction-hard" ("memory.available<100Mi,nodefs.available<10%"); undefined where it cannot be read. */
export function thresholdsFrom(text: string): Thresholds | undefined {
  const thresholds = new Map<SignalName, Threshold>();
  for (const each of text.split(",").filter(Boolean)) {
    const [, name = "", amount = ""] = /^([\w.]+)<([^<]+)$/.exec(each) ?? [];
    const signal = signalNames.find((known) => known === name);
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(amount)?.[1];
    const threshold = percent === undefined ? amountOf(amount) : shareOf(Number(percent));
    if (!signal || !threshold) return undefined;
    thresholds.set(signal, threshold);
  }
  return thresholds;
}

function amountOf(text: string): Threshold | undefined {
  try {
    const units = unitsOf(text);
    return () => units;
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** None and all of it: kubelet takes both for "never". */
function shareOf(percent: number): Threshold | undefined {
  if (percent > 100) return undefined;
  return (capacity) => (percent === 100 ? 0 : Math.floor((capacity * percent) / 100));
}
