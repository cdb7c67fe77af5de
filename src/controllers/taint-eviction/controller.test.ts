import { expect, test, vi } from "vitest";
import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { aWorld } from "../testing/world.ts";
import { taintEvictionController } from "./controller.ts";

const key = { namespace: "default", name: "web" };
const taint = { key: "lost", effect: "NoExecute" };

test("a pod leaves a tainted node when its time there is over, however the clock is set", async () => {
  await using world = await aWorld([taintEvictionController()], { kubelet: false });
  const { client, clock } = world;
  await client.create(node, { metadata: { name: "n1" }, spec: { taints: [taint] } });
  const tolerations = [{ key: "lost", operator: "Exists", tolerationSeconds: 60 }];
  await client.create(pod, {
    metadata: key,
    spec: { nodeName: "n1", containers: [{ name: "c", image: "i" }], tolerations },
  });
  await clock.advance(1000);
  clock.set(365 * 24 * 60 * 60_000);
  // Any change makes the controller look again.
  await client.patch(pod, key, { type: "merge", document: { metadata: { labels: { seen: "yes" } } } });
  await clock.advance(50_000);
  expect((await client.get(pod, key)).metadata.deletionTimestamp).toBeUndefined();
  await clock.advance(10_000);
  await vi.waitFor(async () =>
    expect(await world.events()).toContain("TaintManagerEviction: Marking for deletion Pod default/web"),
  );
});
