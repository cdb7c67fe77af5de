import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type Kubectl, kubectlPath, openKubectl } from "../support/kubectl.ts";
import { start } from "../support/run.ts";

import { startServer, type TestServer } from "../support/server.ts";

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, shortNames: [gd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.count, statusReplicasPath: .status.count}
    selectableFields: [{jsonPath: .spec.colour}]
    additionalPrinterColumns:
    - {name: Colour, type: string, jsonPath: .spec.colour}
    - {name: Count, type: integer, jsonPath: .spec.count}
    schema:
      openAPIV3Schema:
        type: object
        description: Gadget is a thing for sale.
        properties:
          spec:
            type: object
            required: [colour]
            properties:
              colour: {type: string, enum: [red, blue], description: What it looks like.}
              count: {type: integer, default: 1, minimum: 0}
              tags: {type: array, items: {type: string}, x-kubernetes-list-type: set}
            x-kubernetes-validations:
            - {rule: "self.colour != 'red' || self.count < 5", message: "at most four are red"}
          status:
            type: object
            properties:
              count: {type: integer}
`;
const gadget = (spec: string) => `
apiVersion: shop.example.com/v1
kind: Gadget
metadata: {name: one}
spec: ${spec}
`;

let server: TestServer;
let kubectl: Kubectl;
beforeAll(async () => {
  server = await startServer();
  kubectl = await openKubectl(server.kubeconfig);
  await kubectl.apply(definition);
  await kubectl.must(["wait", "--for", "condition=Established", "crd/gadgets.shop.example.com", "--timeout=60s"]);
});
afterAll(() => server[Symbol.asyncDispose]());

/** What kubectl says of a manifest that is refused. */
async function refusal(spec: string): Promise<string> {
  const { code, stderr: err } = await kubectl.run(["apply", "-f", "-"], { input: gadget(spec) });
  expect(code).not.toBe(0);
  return err;
}

describe("kubectl with custom resources", () => {
  test("explains them, and finds them under all their names", async () => {
    const explained = await kubectl.must(["explain", "gadgets.spec"]);
    expect(explained).toContain("GROUP:      shop.example.com");
    expect(explained).toMatch(/colour\t<string> -required-\n {2}enum: red, blue\n {4}What it looks like\./);
    expect(await kubectl.must(["explain", "gadget"])).toContain("Gadget is a thing for sale.");
    expect(await kubectl.must(["api-resources", "--api-group", "shop.example.com"])).toMatch(
      /gadgets +gd +shop.example.com\/v1 +true +Gadget/,
    );
    await eventually(async () =>
      expect(await kubectl.must(["get", "apiservices", "v1.shop.example.com"])).toMatch(/Local +True/),
    );
  });

  test("applies them again and again", async () => {
    expect(await kubectl.apply(gadget("{colour: red}"))).toBe("gadget.shop.example.com/one created\n");
    expect(await kubectl.apply(gadget("{colour: red}"))).toBe("gadget.shop.example.com/one unchanged\n");
    expect(await kubectl.apply(gadget("{colour: blue, count: 3}"))).toBe("gadget.shop.example.com/one configured\n");
    for (const name of ["gadgets", "gadget", "gd", "gadgets.shop.example.com"])
      expect(await kubectl.must(["get", name])).toMatch(/^NAME +COLOUR +COUNT\none +blue +3\n$/);
    expect(await kubectl.must(["get", "all"])).toContain("gadget.shop.example.com/one");
    expect(await kubectl.must(["get", "gd", "--field-selector", "spec.colour=red"])).toBe("");
  });

  test("applies them on the server's side, and meets conflicts", async () => {
    const manifest = gadget("{colour: blue, tags: [a]}");
    const apply = (manager: string, input: string, ...more: string[]) =>
      kubectl.run(["apply", "--server-side", "--field-manager", manager, "-f", "-", ...more], { input });
    expect((await apply("m", manifest, "--force-conflicts")).stdout).toContain("serverside-applied");
    expect((await apply("n", gadget("{colour: blue, tags: [b]}"))).stdout).toContain("serverside-applied");
    expect((await kubectl.json(["get", "gd", "one"])).spec.tags).toEqual(["a", "b"]);
    const { code, stderr: err } = await apply("n", gadget("{colour: red}"));
    expect(code).not.toBe(0);
    expect(err).toContain('conflict with "m": .spec.colour');
  });

  test("is told what their schema and their rules forbid", async () => {
    expect(await refusal("{colour: green}")).toContain(
      'spec.colour: Unsupported value: "green": supported values: "red", "blue"',
    );
    expect(await refusal("{colour: red, count: 5}")).toContain("spec: Invalid value: at most four are red");
    expect(await refusal("{colour: red, size: 1}")).toContain('unknown field "spec.size"');
  });

  test("patches, scales and edits them, and watches that happen", async () => {
    const watching = start(
      await kubectlPath(),
      ["get", "gd", "--watch-only", "--output-watch-events", "--no-headers"],
      {
        env: { ...process.env, KUBECONFIG: server.kubeconfig, KUBECACHEDIR: `${server.kubeconfig}-cache` },
      },
    );
    try {
      let turn = 0;
      await eventually(async () => {
        await kubectl.must(["label", "gd", "one", "--overwrite", `turn=${turn++}`]);
        expect(watching.output()).toContain("MODIFIED");
      });
      await kubectl.must(["patch", "gd", "one", "--type=merge", "-p", '{"spec":{"colour":"blue"}}']);
      await kubectl.must([
        "patch",
        "gd",
        "one",
        "--type=json",
        "-p",
        '[{"op":"replace","path":"/spec/count","value":7}]',
      ]);
      await kubectl.must(["scale", "gd", "one", "--replicas=9"]);
      await kubectl.must([
        "patch",
        "gd",
        "one",
        "--subresource=status",
        "--type=merge",
        "-p",
        '{"status":{"count":9}}',
      ]);
      await kubectl.must(["label", "gd", "one", "fresh=yes"]);
      const { spec, status, metadata } = await kubectl.json(["get", "gd", "one"]);
      expect([spec.count, status.count, metadata.labels.fresh]).toEqual([9, 9, "yes"]);
      await kubectl.must(["delete", "gd", "one"]);
      await eventually(async () => expect(watching.output()).toMatch(/MODIFIED +one +blue +9\n(.*\n)*DELETED +one/));
    } finally {
      await watching.stop();
    }
  });

  test("takes them along when their definition goes", async () => {
    await kubectl.apply(gadget("{colour: red}"));
    await kubectl.must(["delete", "crd", "gadgets.shop.example.com", "--timeout=60s"]);
    await eventually(async () => {
      const { code, stderr: err } = await kubectl.run(["get", "gadgets"]);
      expect(code).not.toBe(0);
      // kubectl may remember that there were some.
      expect(err).toMatch(/could not find the requested resource|doesn't have a resource type/);
    });
    await eventually(async () => {
      expect((await kubectl.run(["get", "apiservices", "v1.shop.example.com"])).stderr).toContain("not found");
    });
  });
});
