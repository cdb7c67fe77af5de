import { expect, test } from "vitest";
import { priority } from "./priority.ts";
import { anObject, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

const aClass = (name: string, rest: object = {}) =>
  anObject("scheduling.k8s.io/v1", "PriorityClass", { metadata: { name, namespace: undefined }, value: 5, ...rest });

const taken =
  'priorityclasses.scheduling.k8s.io "b" is forbidden: PriorityClass a is already marked as default. Only one default can exist';

test.each<[name: string, change: Parameters<typeof reviewOf>, refused: string | undefined]>([
  ["a second default is refused", [aClass("b", { globalDefault: true })], taken],
  ["so is another class that becomes one", [aClass("b", { globalDefault: true }), { old: aClass("b") }], taken],
  ["a class that is no default is not", [aClass("b")], undefined],
  ["the default may change", [aClass("a", { globalDefault: true }), { old: aClass("a") }], undefined],
])("%s", async (_, change, refused) => {
  const store = await storeWith(aClass("a", { globalDefault: true }));
  expect(await refusalBy(priority({ store }), reviewOf(...change))).toBe(refused);
});
