import { expect, test } from "vitest";
import { isOlder } from "./versions.ts";

test.each([
  ["0.9.3", "0.9.6", true],
  ["0.9.6", "0.9.6", false],
  ["1.0.6", "0.9.6", false],
  ["0.9", "0.9.6", true],
  ["1.1", "1.0.9", false],
])("%s is older than %s: %s", (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});
