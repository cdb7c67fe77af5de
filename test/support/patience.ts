import { vi } from "vitest";

// What a test waits for may take long on a busy machine. The second after which `vi.waitFor` gives up by itself would be an
// expectation of a duration, which no test has: this is a bound against hanging, below that of a whole test.
const limitMs = 45_000;
const { waitFor } = vi;
vi.waitFor = (check, options = {}) =>
  waitFor(check, typeof options === "number" ? options : { timeout: limitMs, ...options });
