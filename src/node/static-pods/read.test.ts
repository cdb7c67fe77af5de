import { expect, test } from "vitest";
import { isMirror, isStatic, staticPodFrom } from "./read.ts";

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: nginx:1.25
`;
const read = (text: string) => staticPodFrom(text, { nodeName: "m1" });

test("a manifest becomes a pod of this node, with the API's defaults and a uid of what it says", () => {
  const pod = read(manifest);
  expect(pod.metadata).toMatchObject({ name: "web-m1", namespace: "default", labels: { app: "web" } });
  expect(pod.spec).toMatchObject({ nodeName: "m1", restartPolicy: "Always", dnsPolicy: "ClusterFirst" });
  expect(pod.spec.tolerations).toContainEqual({ operator: "Exists", effect: "NoExecute" });
  expect(read(manifest).metadata.uid).toBe(pod.metadata.uid);
  expect(read(manifest.replace("1.25", "1.26")).metadata.uid).not.toBe(pod.metadata.uid);
  expect([isStatic(pod), isMirror(pod)]).toEqual([true, false]);
});

test.each([
  ["another kind", "apiVersion: v1\nkind: Service", "a Pod of v1 is wanted, not Service of v1"],
  ["several documents", `${manifest}---${manifest}`, "one Pod a file is wanted"],
  ["a field that does not exist", manifest.replace("image:", "imagge:"), /unknown field "spec.containers\[0\].imagge"/],
  ["what the API would refuse", manifest.replace("name: web\n", "name: Web!\n"), /spec.containers\[0\].name/],
  ["no name", "apiVersion: v1\nkind: Pod\nspec: {containers: []}", "metadata.name and spec are required"],
])("refuses %s", (_, text, message) => expect(() => read(text)).toThrow(message));
