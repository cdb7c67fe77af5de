import { expect, test } from "vitest";
import { dropDisabledFields } from "./disabled-fields.ts";

const podType = "io.k8s.api.core.v1.Pod";
const aPod = (lifecycle: object) => ({
  spec: {
    schedulingGroup: { podGroupName: "g" },
    containers: [{ name: "main", image: "app:1", lifecycle }],
    volumes: [{ name: "v", projected: { sources: [{ clusterTrustBundle: { path: "p" } }] } }],
  },
});

test("what features that are off would mean is not kept, wherever it stands", () => {
  const written = aPod({ stopSignal: "SIGINT" });
  dropDisabledFields(written, undefined, podType);
  expect(written).toEqual({
    spec: {
      containers: [{ name: "main", image: "app:1" }],
      volumes: [{ name: "v", projected: { sources: [{}] } }],
    },
  });
});

test("what stands beside it stays", () => {
  const written = aPod({ stopSignal: "SIGINT", preStop: { sleep: { seconds: 1 } } });
  dropDisabledFields(written, undefined, podType);
  expect(written.spec.containers[0]?.lifecycle).toEqual({ preStop: { sleep: { seconds: 1 } } });
});

test("an object that has used it goes on using it", () => {
  const written = aPod({ stopSignal: "SIGINT" });
  dropDisabledFields(written, aPod({ stopSignal: "SIGTERM" }), podType);
  expect(written).toEqual(aPod({ stopSignal: "SIGINT" }));
});

test("a claim for another namespace's data is a claim without data", () => {
  const claim = { spec: { dataSourceRef: { kind: "PersistentVolumeClaim", name: "a", namespace: "other" } } };
  dropDisabledFields(claim, undefined, "io.k8s.api.core.v1.PersistentVolumeClaim");
  expect(claim).toEqual({ spec: {} });
});
