import { describe, expect, test } from "vitest";
import { builtinKinds } from "../../api/kinds/all.ts";
import { selectionOf } from "./list.ts";
import { Catalog } from "./resources.ts";

const catalog = new Catalog(builtinKinds);

function refusal(apiVersion: string, kind: string, fieldSelector: string): string | undefined {
  const resource = catalog.ofKind(apiVersion, kind);
  if (!resource) throw new Error(`there is no ${kind}`);
  try {
    selectionOf(resource, { fieldSelector });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const known = 'only "metadata.name", "metadata.namespace"';

describe("what objects can be selected by", () => {
  test.each<[apiVersion: string, kind: string, selector: string, refused: string | undefined]>([
    ["v1", "Pod", "spec.nodeName=a,spec.host=a,metadata.namespace=b", undefined],
    ["v1", "Pod", "spec.x=1", "field label not supported: spec.x"],
    ["v1", "Node", "spec.unschedulable=true", undefined],
    ["v1", "Node", "metadata.namespace=a", "field label not supported: metadata.namespace"],
    ["v1", "Namespace", "metadata.namespace=a", "field label not supported: metadata.namespace"],
    ["v1", "PersistentVolume", "metadata.namespace=a", undefined],
    ["v1", "PersistentVolume", "name=a", `"name" is not a known field selector: ${known}`],
    ["apps/v1", "ReplicaSet", "status.replicas=1", `"status.replicas" is not a known field selector: ${known}`],
    ["batch/v1", "Job", "status.succeeded=1", 'field label "status.succeeded" not supported for batchv1.Job'],
    [
      "certificates.k8s.io/v1",
      "CertificateSigningRequest",
      "metadata.namespace=a",
      "field label not supported: metadata.namespace",
    ],
    [
      "resource.k8s.io/v1",
      "ResourceSlice",
      "spec.pool=a",
      "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.pool",
    ],
  ])("%s %s by %s", (apiVersion, kind, selector, refused) => {
    expect(refusal(apiVersion, kind, selector)).toBe(refused);
  });
});
