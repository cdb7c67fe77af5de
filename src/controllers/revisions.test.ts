import { expect, test } from "vitest";
import type { ControllerRevision, PodTemplateSpec } from "../api/schema/types.ts";
import { historyOf, type Past, surplusOf } from "./revisions.ts";

const aRevision = (revision: number): ControllerRevision => ({
  apiVersion: "apps/v1",
  kind: "ControllerRevision",
  metadata: { name: `r${revision}` },
  revision,
});
const old = [1, 2, 3, 4].map(aRevision);
const quiet: Past = { old, isLive: ({ revision }) => revision === 2, countsLive: false };

test.each<[what: string, limit: number | undefined, given: Partial<Past>, gone: number[]]>([
  ["all that are within the limit stay", 3, {}, []],
  ["the oldest go first, and none that pods have", 1, {}, [1, 3]],
  ["those that pods have may count too", 3, { countsLive: true }, [1]],
  ["none but those stay with a limit of nothing", 0, {}, [1, 3, 4]],
  ["all stay with a negative limit", -1, {}, []],
  [
    "ten stay where nothing is said",
    undefined,
    { old: Array.from({ length: 12 }, (_, at) => aRevision(at + 3)) },
    [3, 4],
  ],
])("of earlier revisions %s", (_, revisionHistoryLimit, given, gone) => {
  const owner = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: { selector: {}, template: {}, ...(revisionHistoryLimit !== undefined && { revisionHistoryLimit }) },
  };
  expect(surplusOf(owner, { ...quiet, ...given }).map(({ revision }) => revision)).toEqual(gone);
});

test("a revision keeps the template as Go writes it, which kubectl compares byte by byte", () => {
  const container = { name: "app", image: "app:1", args: ["z", "a"] };
  const template = {
    spec: { restartPolicy: "Always", containers: [container] },
    metadata: { labels: { b: "1", a: "2" } },
  } as unknown as PodTemplateSpec;
  const owner = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "web" },
    spec: { selector: {}, template },
  };
  const reference = { apiVersion: "apps/v1", kind: "DaemonSet", name: "web", uid: "u" };
  const { current } = historyOf(owner, [], { hashLabel: "hash", reference });
  expect(JSON.stringify(current.data)).toBe(
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"}},"spec":' +
      '{"containers":[{"args":["z","a"],"image":"app:1","name":"app"}],"restartPolicy":"Always"}}}}',
  );
});
