import { describe, expect, test, vi } from "vitest";
import { apiService } from "../../api/kinds/apiregistration/api-service.ts";
import { namespace } from "../../api/kinds/core/namespace.ts";
import type { AnyObject } from "../../api/object.ts";
import type { ListOf, ResourceRequest } from "../../api/request.ts";
import { aWorld, type World } from "../testing/world.ts";
import { namespaceController } from "./controller.ts";

const flunders = { group: "wardle.example.com", version: "v1", resource: "flunders", namespace: "gone" };

/** A namespace with an object that another server keeps, whose APIService says whether it answers. */
async function anExtended(world: World, answers: boolean): Promise<void> {
  const verbs = ["create", "delete", "deletecollection", "get", "list"];
  world.transport.served.set("wardle.example.com/v1", [
    { name: "flunders", kind: "Flunder", namespaced: true, verbs },
    { name: "fischers", kind: "Fischer", namespaced: false, verbs },
  ]);
  for (const version of ["v1", "v1beta1"])
    await world.client.create(apiService, {
      metadata: { name: `${version}.wardle.example.com` },
      spec: {
        group: "wardle.example.com",
        version,
        groupPriorityMinimum: 1,
        versionPriority: version === "v1" ? 2 : 1,
        service: { name: "api", namespace: "wardle" },
      },
      status: { conditions: [{ type: "Available", status: answers ? "True" : "False" }] },
    } as never);
  world.transport.served.set("wardle.example.com/v1beta1", [
    { name: "flunders", kind: "Flunder", namespaced: true, verbs },
  ]);
  const body = { apiVersion: "wardle.example.com/v1", kind: "Flunder", metadata: { name: "f", namespace: "gone" } };
  await world.transport.request({ verb: "create", ...flunders, body });
}

/** Deletes the namespace and takes part in its finalization, as the API server does. */
async function removeNamespace(world: World): Promise<() => boolean> {
  let finalized = false;
  await world.client.create(namespace, {
    metadata: { name: "gone", finalizers: ["test/hold"] },
    spec: { finalizers: ["kubernetes"] },
  });
  world.transport.intercept = ({ subresource }: ResourceRequest) => {
    if (subresource === "finalize") finalized = true;
  };
  await world.client.delete(namespace, { name: "gone" });
  return () => finalized;
}

const left = async ({ transport }: World): Promise<number> =>
  ((await transport.request({ verb: "list", ...flunders })) as ListOf<AnyObject>).items.length;

describe("what other servers keep in a namespace", () => {
  test("goes with it, asked for once in the version that their group prefers", async () => {
    await using world = await aWorld([namespaceController]);
    await anExtended(world, true);
    const isFinalized = await removeNamespace(world);
    await vi.waitFor(() => expect(isFinalized()).toBe(true));
    expect(await left(world)).toBe(0);
    const asked = world.transport.writes.filter(
      ({ verb, group }) => verb === "deletecollection" && group === flunders.group,
    );
    expect(asked.map(({ version, resource }) => `${version} ${resource}`)).toEqual(["v1 flunders"]);
  });

  test("holds it while they do not answer", async () => {
    await using world = await aWorld([namespaceController]);
    await anExtended(world, false);
    const isFinalized = await removeNamespace(world);
    await vi.waitFor(async () =>
      expect((await world.all(namespace)).flatMap(({ status }) => status?.conditions ?? [])).toContainEqual(
        expect.objectContaining({ type: "NamespaceDeletionDiscoveryFailure", status: "True" }),
      ),
    );
    expect([isFinalized(), await left(world)]).toEqual([false, 1]);
  });
});
