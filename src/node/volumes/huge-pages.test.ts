import { expect, test } from "vitest";
import { aContainer, aPod } from "../testing/objects.ts";
import { hugePageBytes } from "./huge-pages.ts";

const asking = (...sizes: string[]) =>
  aPod({
    spec: {
      containers: sizes.map((size) =>
        aContainer({ name: size, resources: { limits: { [`hugepages-${size}`]: "1Gi" } } }),
      ),
    },
  });

test("a volume in huge pages has those that the pod asks for", () => {
  expect(hugePageBytes(asking("2Mi", "2Mi"), "HugePages")).toBe(2 * 2 ** 20);
  expect(hugePageBytes(asking("2Mi", "1Gi"), "HugePages-1Gi")).toBe(2 ** 30);
});

test.each([
  [asking(), "HugePages", /no huge pages are requested/],
  [asking("2Mi", "1Gi"), "HugePages", /more than one size/],
  [asking("2Mi"), "HugePages-1Gi", /requests no hugepages-1Gi/],
])("it is refused where they are not said: %#", (pod, medium, why) =>
  expect(() => hugePageBytes(pod, medium)).toThrow(why),
);
