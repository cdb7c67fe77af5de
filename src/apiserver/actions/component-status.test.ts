import { expect, test } from "vitest";
import { builtinKinds } from "../../api/kinds/all.ts";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import { openStore } from "../../store/open.ts";
import type { Call } from "../call.ts";
import { Catalog } from "../registry/resources.ts";
import { type Component, componentStatuses } from "./component-status.ts";

test("the parts of the control plane that run here are healthy, the others refuse their connection", async () => {
  await using store = await openStore({ kind: "memory" }, { clock: systemClock, log: noLog });
  const running = new Set<Component>(["scheduler"]);
  const { read } = componentStatuses(store, running);
  const resource = new Catalog(builtinKinds).ofKind("v1", "ComponentStatus");
  const all = await read?.({ name: undefined, resource, options: {} } as Call);
  expect(all).toMatchObject({
    sort: "list",
    items: [
      { object: { metadata: { name: "scheduler" }, conditions: [{ type: "Healthy", status: "True", message: "ok" }] } },
      { object: { metadata: { name: "controller-manager" }, conditions: [{ status: "False" }] } },
      { object: { metadata: { name: "etcd-0" }, conditions: [{ status: "True" }] } },
    ],
  });
  const named = { fieldSelector: "metadata.name=etcd-0" };
  expect(await read?.({ name: undefined, resource, options: named } as Call)).toMatchObject({
    items: [{ object: { metadata: { name: "etcd-0" } } }],
  });
  await expect(
    read?.({ name: "none", resource: { name: { group: "", plural: "componentstatuses" } } } as Call),
  ).rejects.toMatchObject({ message: 'componentstatuses "none" not found' });
});
