import type { Log } from "../base/log.ts";

/** Calls `begin` once all of these informers hold what the API has, unless it is disposed of before: then nobody waits any more. */
export function onceSynced(
  informers: readonly { readonly synced: Promise<void> }[],
  { begin, log }: { begin: () => void; log: Log },
): Disposable {
  let isWanted = true;
  Promise.all(informers.map(({ synced }) => synced)).then(
    () => {
      if (isWanted) begin();
    },
    (error: unknown) => {
      if (isWanted) log.error("what the network follows could not be listed", { error });
    },
  );
  return {
    [Symbol.dispose]() {
      isWanted = false;
    },
  };
}
