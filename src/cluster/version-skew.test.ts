import { describe, expect, test } from "vitest";
import { skewBetween } from "./version-skew.ts";

describe("a device and its server", () => {
  test.each([
    ["0.1.0", "0.1.0"],
    ["0.1.0-dev", "0.1.7+abc"],
    ["0.2.0", "0.1.9"],
    ["0.1.0", "0.2.0"],
    ["v1.10.0", "1.9.3"],
    ["unknown", "0.1.0"],
  ])("of %s and %s work together", (device, server) => expect(skewBetween(device, server)).toBeUndefined());

  test.each([
    [
      "0.3.0",
      "0.1.0",
      /^this device runs skiff 0\.3\.0 and the server 0\.1\.0: .* Install 0\.1 .*upgrade the server first$/,
    ],
    ["0.1.0", "0.3.0", /Install 0\.3 on this device$/],
    ["1.0.0", "0.9.0", /Install 0\.9 on this device, or upgrade the server first$/],
  ])("of %s and %s do not", (device, server, why) => expect(skewBetween(device, server)).toMatch(why));
});
