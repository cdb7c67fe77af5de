import { statSync } from "node:fs";
import { machineAddress } from "../addresses.ts";
import { type Check, ok, warning } from "./check.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** A device without a battery begins in the past. Nothing was installed in the future. */
export const clock: Check = {
  name: "clock",
  concerns: () => true,
  async look(_, { nowMs }) {
    const found = `${new Date(nowMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
    if (nowMs > statSync(process.execPath).mtimeMs - dayMs) return ok(found);
    return warning(
      found,
      "the clock is behind: skiff starts, but other machines do not believe its certificates before it is set; switch time synchronisation on (timedatectl set-ntp true)",
    );
  },
};

export const network: Check = {
  name: "network",
  concerns: () => true,
  async look() {
    const address = machineAddress();
    if (!address.startsWith("127.")) return ok(address);
    return warning("no address", "no other machine reaches this one: skiff runs, for this machine alone");
  },
};
