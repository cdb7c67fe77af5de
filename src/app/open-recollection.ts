import { rm } from "node:fs/promises";
import { join } from "node:path";
import { CannotStart } from "../base/lifecycle.ts";
import type { Recollection } from "../client/recollection.ts";
import { DamagedDatabase, NewerFormat, type Store } from "../store/contract.ts";
import { openStore, type StoreSurroundings } from "../store/open.ts";
import { databaseCode } from "./addons.ts";
import { recollectionIn } from "./recollect.ts";

export type OpenRecollection = Recollection & AsyncDisposable;

/** Opens what a node remembers of the API. `directory`: the node's, DATA/agent. @throws {DatabaseInUse} */
export async function openRecollection(directory: string, surroundings: StoreSurroundings): Promise<OpenRecollection> {
  const store = await openOwnStore(directory, surroundings);
  return Object.assign(recollectionIn(store, surroundings), {
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  });
}

/**
 * What is damaged, or of a newer skiff, is of no use and no loss: the server tells it all again. Neither is a disk that cannot be
 * used a reason not to run pods: then all is remembered for as long as this process runs.
 */
async function openOwnStore(directory: string, surroundings: StoreSurroundings): Promise<Store> {
  const { log } = surroundings;
  const place = join(directory, "recollection");
  const open = () => openStore({ kind: "sqlite", directory: place, code: databaseCode(directory) }, surroundings);
  const openAnew = async (error: Error) => {
    log.warn("what this node remembered cannot be read; it begins anew", { error: error.message });
    await rm(place, { recursive: true, force: true });
    return open();
  };
  try {
    return await open().catch((error: unknown) => {
      if (error instanceof DamagedDatabase || error instanceof NewerFormat) return openAnew(error);
      throw error;
    });
  } catch (error) {
    if (error instanceof CannotStart) throw error;
    log.warn("the disk cannot be used for what this node is to remember; a restart will remember nothing", { error });
    return openStore({ kind: "memory" }, surroundings);
  }
}
