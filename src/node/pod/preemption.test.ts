import { expect, test } from "vitest";
import type { Pod } from "../../api/schema/types.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { victimsFor } from "./preemption.ts";

const asking = (name: string, requests: Record<string, string>, more: object = {}): Pod =>
  aPod({ name, spec: { priority: 0, containers: [aContainer({ resources: { requests, ...more } })] } });
const guaranteed = (name: string, cpu: string) =>
  asking(name, { cpu, memory: "1Mi" }, { limits: { cpu, memory: "1Mi" } });
const critical = aPod({ name: "critical", spec: { priority: 2_000_000_000 } });
const addOn = aPod({ name: "add-on", spec: { priority: 2_000_000_000 } });
const plain = aPod({ name: "plain", spec: { priority: 0 } });

test.each<[name: string, others: Pod[], lacking: [string, number][], victims: string[] | undefined]>([
  ["one that is large enough", [asking("s", { cpu: "100m" }), asking("l", { cpu: "1" })], [["cpu", 500]], ["l"]],
  [
    "of two the one that asks for less",
    [asking("l", { cpu: "1", memory: "2Mi" }), asking("s", { cpu: "1", memory: "1Mi" })],
    [["cpu", 500]],
    ["s"],
  ],
  [
    "several where no single one will do",
    [asking("a", { cpu: "1" }), asking("b", { cpu: "1" })],
    [["cpu", 1500]],
    ["a", "b"],
  ],
  [
    "rather those that were promised less",
    [guaranteed("firm", "2"), asking("a", { cpu: "1" }), asking("b", { cpu: "1" })],
    [["cpu", 1500]],
    ["a", "b"],
  ],
  ["a firm one only as far as needed", [guaranteed("firm", "2"), asking("a", { cpu: "1" })], [["cpu", 1500]], ["firm"]],
  ["any one, where there are too many", [plain, guaranteed("firm", "1")], [["pods", 1]], ["plain"]],
  ["no critical ones", [addOn], [["pods", 1]], undefined],
  ["nobody, where all together have not enough", [asking("a", { cpu: "1" })], [["memory", 1]], undefined],
])("a critical pod takes the place of %s", (_, others, lacking, victims) =>
  expect(
    victimsFor(
      critical,
      others,
      lacking.map(([sort, amount]) => ({ sort, amount })),
    )?.map((pod) => pod.metadata.name),
  ).toEqual(victims),
);
