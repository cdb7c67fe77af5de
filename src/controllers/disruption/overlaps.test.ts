import { expect, test, vi } from "vitest";
import { pod } from "../../api/kinds/core/pod.ts";
import { podDisruptionBudget } from "../../api/kinds/policy/pod-disruption-budget.ts";
import { aWorld } from "../testing/world.ts";
import { disruptionController } from "./controller.ts";

const labels = { app: "web" };
const aBudget = (name: string, selected: Record<string, string> = labels) => ({
  metadata: { name, namespace: "default" },
  spec: { minAvailable: 1, selector: { matchLabels: selected } },
});
const aPod = (name: string) => ({
  metadata: { name, namespace: "default", labels },
  spec: { containers: [{ name: "c", image: "i" }] },
});

test("a pod that two budgets select is told of when it comes", async () => {
  await using world = await aWorld([disruptionController], { kubelet: false });
  const told = async () => (await world.events()).filter((text) => text.startsWith("MultiplePodDisruptionBudgets"));
  await world.client.create(podDisruptionBudget, aBudget("one"));
  await world.client.create(podDisruptionBudget, aBudget("other", { app: "else" }));
  await world.client.create(pod, aPod("before"));
  await world.informers.of(pod).until({ namespace: "default", name: "before" }, (held) => held !== undefined);
  await world.client.create(podDisruptionBudget, aBudget("two"));
  await world.informers
    .of(podDisruptionBudget)
    .until({ namespace: "default", name: "two" }, (held) => held !== undefined);
  await world.client.create(pod, aPod("after"));
  await vi.waitFor(async () =>
    expect(await told()).toEqual([
      'MultiplePodDisruptionBudgets: Pod "default"/"after" matches multiple PodDisruptionBudgets.  Chose "one" arbitrarily.',
    ]),
  );
});
