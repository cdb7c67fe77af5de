import { describe, expect, test } from "vitest";
import { aContainerSpec, aSandboxSpec } from "../testing/specs.ts";
import { cgroupParent, containerOptions, sandboxOptions } from "./create-options.ts";

const traits = { cgroupDriver: "cgroupfs", negativeOomScores: true } as const;
const sandbox = aSandboxSpec({ podUid: "u-1", namespace: "shop", name: "web", attempt: 2 });

describe("what Docker is asked for", () => {
  test("names and labels as Kubernetes' users know them", () => {
    const options = containerOptions("s1", aContainerSpec(sandbox, { name: "app", attempt: 3 }), traits);
    expect(options.name).toBe("k8s_app_web_shop_u-1_3");
    expect(options.Labels).toMatchObject({
      "io.skiff.managed": "true",
      "io.kubernetes.pod.uid": "u-1",
      "io.kubernetes.sandbox.id": "s1",
    });
    expect(sandboxOptions(sandbox, { image: "pause", traits }).name).toBe("k8s_POD_web_shop_u-1_2");
  });

  test("no negative OOM score where the machine refuses it", () => {
    const without = { ...traits, negativeOomScores: false };
    const spec = aContainerSpec(sandbox, { resources: { oomScoreAdj: -997 } });
    expect(containerOptions("s1", spec, traits).HostConfig?.OomScoreAdj).toBe(-997);
    expect(containerOptions("s1", spec, without).HostConfig?.OomScoreAdj).toBe(0);
    expect(sandboxOptions(sandbox, { image: "pause", traits: without }).HostConfig?.OomScoreAdj).toBe(0);
  });

  test("a slice instead of a path with systemd", () => {
    const path = "/kubepods/burstable/pod1-2";
    expect(cgroupParent(path, traits)).toBe(path);
    expect(cgroupParent(path, { ...traits, cgroupDriver: "systemd" })).toBe("kubepods-burstable-pod1_2.slice");
  });
});
