import { job } from "../../api/kinds/batch/job.ts";
import { isLeaving } from "../../api/object.ts";
import type { Job } from "../../api/schema/types.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { defineController, settled } from "../../client/controller.ts";
import { untilExpiredMs } from "./decide.ts";

/** Deletes Jobs some time after they finished (Kubernetes docs, "Automatic Cleanup for Finished Jobs"). */
export const ttlAfterFinishedController = defineController<Job>({
  name: "ttl-after-finished",
  reconciles: job,

  async reconcile(key, { cache, client, now }) {
    const object = cache.get(job, key);
    if (!object || isLeaving(object)) return settled;
    const waitMs = untilExpiredMs(object, now);
    if (waitMs === undefined) return settled;
    if (waitMs > 0) return { again: { afterMs: waitMs } };
    await carryOut(cache, [deletion(client, job, object, { propagationPolicy: "Foreground" })]);
    return settled;
  },
});
