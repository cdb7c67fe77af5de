import { describe, expect, test } from "vitest";
import { Path } from "../../api/field.ts";
import { type AskedSelector, askedSelectorErrors, readSelectors } from "./asked-selectors.ts";

const at = new Path("spec.resourceAttributes");
const asksFor = (key: string, operator: string, ...values: string[]) => ({ key, operator, values });

describe("the field selector of an access review", () => {
  test.each<[name: string, selector: AskedSelector, wrong: string[]]>([
    ["is a text", { rawSelector: "not even parsed" }, []],
    ["is requirements", { requirements: [asksFor("spec.nodeName", "In", "n1")] }, []],
    ["may use operators of the future", { requirements: [asksFor("a", "Near")] }, []],
    ["is not both", { rawSelector: "a=b", requirements: [asksFor("a", "In", "b")] }, ["rawSelector"]],
    ["is not neither", {}, ["requirements"]],
    ["needs keys and values", { requirements: [asksFor("", "In")] }, ["requirements[0].key", "requirements[0].values"]],
    [
      "has no value where none is compared",
      { requirements: [asksFor("a", "Exists", "b")] },
      ["requirements[0].values"],
    ],
  ])("%s", (_, fieldSelector, wrong) => {
    const errors = askedSelectorErrors({ fieldSelector }, at);
    expect(errors.map(({ field }) => field)).toEqual(wrong.map((where) => `${at}.fieldSelector.${where}`));
  });

  test("labels of requirements are names of labels", () => {
    const [error] = askedSelectorErrors({ labelSelector: { requirements: [asksFor("a b", "Exists")] } }, at);
    expect(error?.field).toBe(`${at}.labelSelector.requirements[0].key`);
  });
});

describe("what authorizers get of an access review's selectors", () => {
  test.each<[name: string, selector: AskedSelector, text: string, problem: string | undefined]>([
    ["a text as it is", { rawSelector: "spec.nodeName=n1" }, "spec.nodeName=n1", undefined],
    ["nothing of a text that is none", { rawSelector: "abc" }, "", "ignored"],
    ["requirements with one value", { requirements: [asksFor("a", "NotIn", "b,c")] }, "a!=b\\,c", undefined],
    [
      "what can be read of several",
      { requirements: [asksFor("a", "Exists"), asksFor("b", "In", "c")] },
      "b=c",
      "partially ignored",
    ],
    ["nothing of several values", { requirements: [asksFor("a", "In", "b", "c")] }, "", "ignored"],
  ])("%s", (_, fieldSelector, text, problem) => {
    expect(readSelectors({ fieldSelector })).toEqual({
      fieldSelector: text,
      problems: problem ? [`spec.resourceAttributes.fieldSelector ${problem} due to parse error`] : [],
    });
  });

  test("labels that cannot be read are told too", () => {
    expect(readSelectors({ labelSelector: { rawSelector: "a=b=c" } }).problems).toEqual([
      "spec.resourceAttributes.labelSelector ignored due to parse error",
    ]);
  });
});
