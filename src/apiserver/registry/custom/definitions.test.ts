import { expect, test } from "vitest";
import type { AnyObject } from "../../../api/object.ts";
import { systemClock } from "../../../base/clock.ts";
import { noLog } from "../../../base/log.ts";
import { openStore } from "../../../store/open.ts";
import { Admission } from "../../admit/admission.ts";
import { WebhookClient } from "../../webhooks/client.ts";
import { Catalog } from "../resources.ts";
import { forgetful } from "../testing/forgetful.ts";
import { Definitions } from "./definitions.ts";

const key = "/customresourcedefinitions.apiextensions.k8s.io/things.example.com";
const definition: AnyObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
  status: { conditions: [{ type: "Established", status: "True" }] },
};

test("a definition that goes while the history is lost is served no longer", async () => {
  await using store = await openStore({ kind: "memory" }, { clock: systemClock, log: noLog });
  const value = () => Buffer.from(JSON.stringify(definition));
  await store.put(key, { expected: "absent", value });
  const world = forgetful(store);
  const catalog = new Catalog([]);
  const nodes = { has: () => false, open: () => Promise.reject(new Error("there are no nodes")) };
  using webhooks = new WebhookClient(store, nodes);
  using definitions = new Definitions({
    store: world.store,
    clock: systemClock,
    log: noLog,
    catalog,
    admission: new Admission([]),
    webhooks,
    specials: new Map(),
    oldestRevision: 0,
  });
  await definitions.ready;
  expect(catalog.find("example.com", "v1", "things")).toBeDefined();
  world.loseHistory();
  await store.delete(key, { expected: "any", value });
  await definitions.ready;
  expect(catalog.find("example.com", "v1", "things")).toBeUndefined();
});
