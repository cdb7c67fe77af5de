import { expect, test } from "vitest";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { serviceAccount } from "../../src/api/kinds/core/service-account.ts";
import { userOf } from "../../src/app/part-users.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { noLog } from "../../src/base/log.ts";
import { openClient } from "../../src/client/client.ts";
import type { Journal } from "../../src/store/memory/journal.ts";
import { MemoryStore } from "../../src/store/memory/store.ts";
import { startApiServer } from "../support/api-server.ts";

test("a pod whose removal was interrupted behind its last mark can be removed again", async () => {
  let refuses = true;
  const journal: Journal = {
    async append({ rows }) {
      if (refuses && rows.some(({ type, entry }) => type === "delete" && entry.key.startsWith("/pods/")))
        throw new Error("the power is gone");
    },
    async [Symbol.asyncDispose]() {},
  };
  const store = new MemoryStore({ journal, clock, log: noLog });
  await store.recover({ mark: 0, clean: true, buckets: [], rows: (async function* () {})() });
  await using api = await startApiServer({ store });
  const client = openClient(api.transportFor(userOf("admin", ["system:masters"])), { fieldManager: "test" });

  const key = { namespace: "default", name: "a" };
  await client.create(serviceAccount, { metadata: { namespace: "default", name: "default" } });
  const containers = [{ name: "c", image: "i" }];
  await client.create(pod, { metadata: key, spec: { nodeName: "n1", containers } });
  await expect(client.delete(pod, key, { gracePeriodSeconds: 0 })).rejects.toThrow("the power is gone");
  expect((await client.get(pod, key)).metadata.deletionGracePeriodSeconds).toBe(0);
  refuses = false;
  await client.delete(pod, key, { gracePeriodSeconds: 0 });
  await expect(client.get(pod, key)).rejects.toThrow("not found");
});
