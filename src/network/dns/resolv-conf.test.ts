import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { NodeResolvers, nameserversFrom } from "./resolv-conf.ts";

test("name servers are read in their order; what is no address is left out", () => {
  const text =
    "# a comment\nsearch example.com\nnameserver 192.0.2.1\nnameserver\tfe80::1%eth0\n nameserver bad\nnameserver 192.0.2.2 # second\n";
  expect(nameserversFrom(text)).toEqual(["192.0.2.1", "fe80::1%eth0", "192.0.2.2"]);
});

test("a changed file counts as soon as somebody asks, the cluster's own DNS never", async () => {
  const directory = mkdtempSync(join(tmpdir(), "skiff-resolv-"));
  const path = join(directory, "resolv.conf");
  const clock = fakeClock();
  const resolvers = new NodeResolvers({ path, without: ["10.43.0.10"], clock });
  const after = async (text: string) => {
    writeFileSync(path, text);
    await clock.advance(1_000);
    return resolvers.servers;
  };
  expect(resolvers.servers).toEqual([]);
  expect(await after("nameserver 10.43.0.10\nnameserver 192.0.2.1\n")).toEqual(["192.0.2.1"]);
  // Whatever somebody does to the clock meanwhile.
  clock.set(-365 * 24 * 60 * 60_000);
  expect(await after("nameserver 192.0.2.20\n")).toEqual(["192.0.2.20"]);
  rmSync(directory, { recursive: true });
});
