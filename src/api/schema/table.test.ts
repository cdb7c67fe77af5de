import { describe, expect, test } from "vitest";
import { isType, kindOfType, nodeOfKind, typeNames, typeNode, typeOfKind } from "./table.ts";

describe("the schema table", () => {
  test("finds the type of a kind and the kind of a type", () => {
    expect(typeOfKind({ group: "apps", version: "v1", kind: "Deployment" })).toBe("io.k8s.api.apps.v1.Deployment");
    expect(kindOfType("io.k8s.api.core.v1.Pod")).toEqual({ group: "", version: "v1", kind: "Pod" });
    expect(typeOfKind({ group: "", version: "v1", kind: "Unheard" })).toBeUndefined();
    expect(nodeOfKind("v1", "Pod")).toBe(typeNode("io.k8s.api.core.v1.Pod"));
    expect(isType("io.k8s.apimachinery.pkg.apis.meta.v1.ListOptions")).toBe(true);
  });

  test("every field of every type can be read", () => {
    for (const name of typeNames)
      for (const field of typeNode(name).fields.values()) expect(field.node.sort).toBeTruthy();
  });

  test("knows how lists and maps merge", () => {
    const spec = typeNode("io.k8s.api.core.v1.PodSpec").fields;
    expect(spec.get("containers")?.node).toMatchObject({ listType: "map", listKeys: ["name"], mergeKey: "name" });
    expect(spec.get("volumes")?.node.patchStrategy).toEqual(["merge", "retainKeys"]);
    expect(spec.get("nodeSelector")?.node.atomic).toBe(true);
    expect(typeNode("io.k8s.api.core.v1.Container").fields.get("ports")?.node.listKeys).toEqual([
      "containerPort",
      "protocol",
    ]);
  });

  test("knows pointers, zero values that are written, and names of types in errors", () => {
    const spec = typeNode("io.k8s.api.apps.v1.DeploymentSpec").fields;
    expect(spec.get("replicas")).toMatchObject({ pointer: true, number: 1 });
    expect(spec.get("paused")).toMatchObject({ pointer: false, always: false });
    expect(typeNode("io.k8s.api.core.v1.PodSpec").fields.get("containers")).toMatchObject({ always: true });
    expect(typeNode("io.k8s.api.core.v1.ContainerPort").fields.get("protocol")?.node.goType).toBe("v1.Protocol");
    expect(typeNode("io.k8s.api.core.v1.ServiceAccount").fields.get("secrets")?.node.goType).toBe(
      "[]v1.ObjectReference",
    );
  });
});
