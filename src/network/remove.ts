import type { Clock } from "../base/clock.ts";
import { leaveForeignFilters } from "./pods/foreign-filters.ts";
import { removeLinks } from "./pods/kernel.ts";
import { KernelTable } from "./services/kernel.ts";

/** Takes everything of skiff's out of this node's kernel: rules, links and routes. Nothing of anybody else's. */
export async function removeEverything(clock: Clock): Promise<void> {
  await using kernel = new KernelTable(clock);
  await kernel.remove();
  await leaveForeignFilters();
  await removeLinks();
}
