import { describe, expect, test } from "vitest";
import { thresholdsFrom } from "./eviction-thresholds.ts";
import { shortagesIn } from "./pressure/decide.ts";
import type { Level, SignalName } from "./pressure/signals.ts";

const left = (name: SignalName, available: number): ReadonlyMap<SignalName, Level> =>
  new Map([[name, { available, capacity: 1000 }]]);

describe("eviction-hard", () => {
  test.each<[text: string, signals: ReadonlyMap<SignalName, Level>, short: SignalName[]]>([
    ["nodefs.available<10%", left("nodefs.available", 99), ["nodefs.available"]],
    ["nodefs.available<10%", left("nodefs.available", 100), []],
    ["nodefs.available<10%,pid.available<50", left("pid.available", 49), ["pid.available"]],
    ["memory.available<1Ki", left("memory.available", 1000), ["memory.available"]],
    ["nodefs.available<0%", left("nodefs.available", 0), []],
    ["nodefs.available<100%", left("nodefs.available", 0), []],
    ["nodefs.available<10%", left("imagefs.available", 0), []],
    ["", left("nodefs.available", 0), []],
  ])("%s, with %o left", (text, signals, short) =>
    expect(shortagesIn(signals, thresholdsFrom(text)).map(({ signal }) => signal)).toEqual(short),
  );

  test.each(["nodefs.available", "nodefs.available<", "nodefs.available<101%", "gold<5%", "nodefs.available>5%"])(
    "%s cannot be read",
    (text) => expect(thresholdsFrom(text)).toBeUndefined(),
  );
});
