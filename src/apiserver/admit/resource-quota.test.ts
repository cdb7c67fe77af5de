import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject } from "../registry/held.ts";
import { WebhookClient } from "../webhooks/client.ts";
import { Admission } from "./admission.ts";
import { resourceQuota } from "./resource-quota.ts";
import { anObject, aPod, catalog, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

const noNodes = { has: () => false, open: () => Promise.reject(new Error("there are no nodes")) };

interface World {
  readonly step: ReturnType<typeof resourceQuota>;
  used(name?: string): unknown;
}

function aQuota(hard: object, used: object, more: { name?: string; spec?: object } = {}): AnyObject {
  const { name = "q", spec } = more;
  return anObject("v1", "ResourceQuota", { metadata: { name }, spec: { hard, ...spec }, status: { hard, used } });
}

async function world(...quotas: AnyObject[]): Promise<World> {
  const store = await storeWith(...quotas);
  const registry: Registry = {
    store,
    catalog,
    clock: systemClock,
    log: noLog,
    admission: new Admission([]),
    webhooks: new WebhookClient(store, noNodes),
    specials: new Map(),
    oldestRevision: 0,
  };
  return {
    step: resourceQuota({ registry: () => registry }),
    used(name = "q") {
      const entry = store.latest(`/resourcequotas/ns/${name}`);
      return entry && (heldObject(entry).status as { used: unknown }).used;
    },
  };
}

function podAsking(cpu?: string): AnyObject {
  return aPod({ containers: [{ name: "main", ...(cpu && { resources: { requests: { cpu } } }) }] });
}

const hard = { pods: "2", "requests.cpu": "1" };
const unused = { pods: "0", "requests.cpu": "0" };

test("what fits is charged", async () => {
  const { step, used } = await world(aQuota(hard, unused));
  expect(await refusalBy(step, reviewOf(podAsking("500m")))).toBeUndefined();
  expect(used()).toEqual({ pods: "1", "requests.cpu": "500m" });
});

test("a dry run is asked, and charged nothing", async () => {
  const { step, used } = await world(aQuota(hard, unused));
  expect(await refusalBy(step, reviewOf(podAsking("500m"), { dryRun: true }))).toBeUndefined();
  expect(await refusalBy(step, reviewOf(podAsking("2"), { dryRun: true }))).toContain("exceeded quota");
  expect(used()).toEqual(unused);
});

describe("refused", () => {
  test.each([
    ["2", "exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1"],
    [undefined, "failed quota: q: must specify requests.cpu for: main"],
  ])("a pod that asks for %s CPUs", async (cpu, why) => {
    const { step, used } = await world(aQuota(hard, unused));
    expect(await refusalBy(step, reviewOf(podAsking(cpu)))).toBe(`pods "a" is forbidden: ${why}`);
    expect(used()).toEqual(unused);
  });

  test("all that is too much, at once", async () => {
    const { step } = await world(aQuota(hard, { pods: "2", "requests.cpu": "1" }));
    expect(await refusalBy(step, reviewOf(podAsking("1")))).toBe(
      'pods "a" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=1, used: pods=2,requests.cpu=1, limited: pods=2,requests.cpu=1',
    );
  });

  test("as long as nobody knows what is used", async () => {
    const { step } = await world(aQuota(hard, { pods: "0" }));
    expect(await refusalBy(step, reviewOf(podAsking("1")))).toBe(
      'pods "a" is forbidden: status unknown for quota: q, resources: pods,requests.cpu',
    );
  });

  test("by the second of two quotas, before the first is charged", async () => {
    const second = aQuota({ pods: "0" }, { pods: "0" }, { name: "r" });
    const { step, used } = await world(aQuota(hard, unused), second);
    expect(await refusalBy(step, reviewOf(podAsking("1")))).toContain("exceeded quota: r");
    expect(used()).toEqual(unused);
  });
});

test("of many at the same time only as many come in as fit", async () => {
  const { step, used } = await world(aQuota({ pods: "3" }, { pods: "0" }));
  const refusals = await Promise.all(Array.from({ length: 10 }, () => refusalBy(step, reviewOf(podAsking()))));
  expect(refusals.filter((refusal) => refusal === undefined)).toHaveLength(3);
  expect(used()).toEqual({ pods: "3" });
});

test("a quota counts only what is in its scope", async () => {
  const scoped = aQuota({ pods: "0" }, { pods: "0" }, { spec: { scopes: ["NotBestEffort"] } });
  const { step } = await world(scoped);
  expect(await refusalBy(step, reviewOf(podAsking()))).toBeUndefined();
  expect(await refusalBy(step, reviewOf(podAsking("1")))).toContain("exceeded quota");
});

test("a change is charged by what comes to it", async () => {
  const { step, used } = await world(
    aQuota({ "services.nodeports": "2", services: "1" }, { "services.nodeports": "1", services: "1" }),
  );
  const service = (ports: object[]): AnyObject => anObject("v1", "Service", { spec: { type: "NodePort", ports } });
  expect(await refusalBy(step, reviewOf(service([{}, {}]), { old: service([{}]) }))).toBeUndefined();
  expect(used()).toEqual({ "services.nodeports": "2", services: "1" });
  expect(await refusalBy(step, reviewOf(service([{}, {}, {}]), { old: service([{}, {}]) }))).toContain(
    "requested: services.nodeports=1, used: services.nodeports=2, limited: services.nodeports=2",
  );
});
