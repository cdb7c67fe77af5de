import { describe, expect, test } from "vitest";
import { relabelled } from "./told-labels.ts";

const own = { "kubernetes.io/os": "linux" };
type Labels = Record<string, string>;

describe("labels that the user gives a node", () => {
  /** What there is of labels after they were told as `before`, changed by somebody to `changed`, and told as `now`. */
  const after = (before: Labels, changed: (labels: Labels) => Labels, now: Labels): Labels => {
    const first = relabelled({ name: "n" }, own, before);
    const { "kubernetes.io/os": os, ...rest } = relabelled({ ...first, labels: changed({ ...first.labels }) }, own, now)
      .labels as Labels;
    expect(os).toBe("linux");
    return rest;
  };
  const asTheyWere = (labels: Labels) => labels;

  test.each<[what: string, before: Labels, changed: (labels: Labels) => Labels, now: Labels, then: Labels]>([
    ["are set", {}, asTheyWere, { a: "1" }, { a: "1" }],
    ["follow another value", { a: "1" }, asTheyWere, { a: "2" }, { a: "2" }],
    ["go when they are given no more", { a: "1", b: "1" }, asTheyWere, { b: "1" }, { b: "1" }],
    ["stay as somebody changed them", { a: "1" }, (all) => ({ ...all, a: "x" }), { a: "1" }, { a: "x" }],
    ["stay away when somebody took them away", { a: "1" }, ({ a: _, ...all }) => all, { a: "1" }, {}],
    ["leave a changed one that is given no more", { a: "1" }, (all) => ({ ...all, a: "x" }), {}, { a: "x" }],
    ["win over a change when they become another", { a: "1" }, (all) => ({ ...all, a: "x" }), { a: "2" }, { a: "2" }],
    ["leave strangers alone", {}, (all) => ({ ...all, s: "1" }), { a: "1" }, { a: "1", s: "1" }],
    ["bring the node's own back", {}, (all) => ({ ...all, "kubernetes.io/os": "x" }), {}, {}],
  ])("%s", (_, before, changed, now, then) => expect(after(before, changed, now)).toEqual(then));

  test("are told to a node whose memory somebody damaged", () => {
    const metadata = { name: "n", annotations: { "skiff.io/node-labels": "{" } };
    expect(relabelled(metadata, own, { a: "1" }).labels).toEqual({ ...own, a: "1" });
  });
});
