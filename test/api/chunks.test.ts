import { expect, test } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import type { ListOf, RequestOptions } from "../../src/api/request.ts";
import { StatusError } from "../../src/api/status.ts";
import { systemClock } from "../../src/base/clock.ts";
import { startApiServer } from "../support/api-server.ts";

test("a list whose pages are asked for too slowly goes on with what there is then", async () => {
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  await using server = await startApiServer({ clock });
  const client = server.transportFor({ name: "admin", uid: "", groups: ["system:masters"], extra: {} });
  const at = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
  const make = (name: string) => client.request({ verb: "create", ...at, body: { metadata: { name } } as AnyObject });
  const list = async (options: RequestOptions) =>
    (await client.request({ verb: "list", ...at, options: { limit: 2, ...options } })) as unknown as ListOf<AnyObject>;
  const namesIn = ({ items }: ListOf<AnyObject>) => items.map(({ metadata }) => metadata.name);
  for (const name of ["a", "b", "c", "e"]) await make(name);

  const first = await list({});
  const { continue: token = "" } = first.metadata;
  expect(namesIn(first)).toEqual(["a", "b"]);
  await make("d");
  expect(namesIn(await list({ continue: token }))).toEqual(["c", "e"]);

  aheadMs = 6 * 60_000;
  const error = await list({ continue: token }).catch((reason: unknown) => reason);
  if (!(error instanceof StatusError)) throw new Error("the page was still there");
  expect([error.code, error.reason]).toEqual([410, "Expired"]);
  const { continue: inconsistent } = error.toStatus().metadata as { continue?: string };
  const second = await list({ continue: inconsistent ?? "" });
  expect(namesIn(second)).toEqual(["c", "d"]);
  expect(second.metadata.remainingItemCount).toBe(1);
  const third = await list({ continue: second.metadata.continue ?? "" });
  expect([namesIn(third), third.metadata.resourceVersion]).toEqual([["e"], second.metadata.resourceVersion]);
});
