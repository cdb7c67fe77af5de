import { describe, expect, test } from "vitest";
import { type KubeletSettings, kubeletSettingFrom, kubeletSettings } from "./kubelet-args.ts";

describe("settings in kubelet's words", () => {
  test.each<[arg: string, means: KubeletSettings]>([
    ["max-pods=30", { maxPods: 30 }],
    ["--max-pods=30", { maxPods: 30 }],
    ["node-labels=a=b,c=d", { labels: { a: "b", c: "d" } }],
    ["register-with-taints=a=b:NoSchedule", { taints: [{ key: "a", value: "b", effect: "NoSchedule" }] }],
    ["resolv-conf=/etc/resolv.kube", { resolvConf: "/etc/resolv.kube" }],
    ["kube-reserved=cpu=100m,memory=64Mi", { reserved: [{ cpu: "100m", memory: "64Mi" }] }],
    ["eviction-pressure-transition-period=30s", { pressureStaysMs: 30_000 }],
    ["fail-swap-on=false", {}],
  ])("%s", (arg, means) => expect(kubeletSettingFrom(arg)).toEqual(means));

  test.each([
    ["max-pods=none", "expected a whole number, 1 or more"],
    ["max-pads=3", 'skiff has no setting "max-pads": it has '],
    ["fail-swap-on=true", "expected false"],
    ["kube-reserved=gold=1", "expected cpu=100m,memory=128Mi"],
    ["eviction-hard=nodefs<5%", "expected memory.available<100Mi,nodefs.available<5%"],
    ["eviction-pressure-transition-period=soon", "expected a duration"],
    ["resolv-conf=etc", "expected an absolute path"],
  ])("%s is refused", (arg, message) => expect(() => kubeletSettingFrom(arg)).toThrow(message));

  test("labels and reservations add up, other settings are the last one's", () => {
    const args = [
      "max-pods=1",
      "max-pods=2",
      "node-labels=a=1",
      "node-labels=b=2",
      "kube-reserved=cpu=1",
      "system-reserved=cpu=2",
    ];
    expect(kubeletSettings(args.map(kubeletSettingFrom))).toEqual({
      maxPods: 2,
      labels: { a: "1", b: "2" },
      taints: [],
      reserved: [{ cpu: "1" }, { cpu: "2" }],
    });
  });
});
