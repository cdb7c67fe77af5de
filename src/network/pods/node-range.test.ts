import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { noLog } from "../../base/log.ts";
import { NodeRange } from "./node-range.ts";

let stateDirectory: string;
beforeEach(() => {
  stateDirectory = mkdtempSync(join(tmpdir(), "skiff-range-"));
});
afterEach(() => rmSync(stateDirectory, { recursive: true }));

const aNode = (...podCIDRs: string[]): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n1" },
  spec: { podCIDRs },
});
const open = () => new NodeRange({ stateDirectory, log: noLog });

test("a range is given out when the node is prepared for it, once, however often the node is seen", async () => {
  const range = open();
  const prepared: string[] = [];
  const prepare = async ({ nodeIps }: { nodeIps: readonly string[] }) => {
    expect(range.current).toBeUndefined();
    prepared.push(...nodeIps);
  };
  const waiting = range.known(new AbortController().signal);
  await Promise.all([aNode(), aNode("10.42.3.0/24"), aNode("10.42.3.0/24")].map((node) => range.learn(node, prepare)));
  expect(prepared).toEqual(["10.42.3.1"]);
  expect((await waiting).cidrs).toEqual(["10.42.3.0/24"]);
});

test("a node that boots without a server knows its range", async () => {
  await open().learn(aNode("10.42.3.0/24", "fd42::/64"), async () => {});
  expect(open().current).toEqual({ cidrs: ["10.42.3.0/24", "fd42::/64"], nodeIps: ["10.42.3.1", "fd42::1"] });
});

test("a damaged file is as good as none, and so is a range that is no network", async () => {
  writeFileSync(join(stateDirectory, "pod-cidrs.json"), '["10.42');
  const range = open();
  await range.learn(aNode("10.42.3.0/240"), async () => {});
  expect(range.current).toBeUndefined();
});

test("who no longer wants to know is let go", async () => {
  const stop = new AbortController();
  const waiting = open().known(stop.signal);
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});
