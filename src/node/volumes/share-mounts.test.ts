import { expect, test } from "vitest";
import { isShared } from "./share-mounts.ts";

const shared = "shared:7";
const slave = "master:7";
const mount = (point: string, ...options: string[]) =>
  ["36", "35", "98:0", "/", point, "rw,noatime", ...options, "-", "ext4", "/dev/root", "rw"].join(" ");

test.each<[what: string, is: boolean, ...mounts: string[]]>([
  ["lies on a shared mount", true, mount("/", shared)],
  ["lies on a private one", false, mount("/")],
  ["lies on one that only receives", false, mount("/", slave)],
  ["has a shared mount of its own", true, mount("/"), mount("/var/lib/kubelet", shared)],
  ["has a private one below a shared one", false, mount("/", shared), mount("/var/lib", slave)],
  ["has a neighbour with a similar name", false, mount("/"), mount("/var/lib/kube", shared)],
  ["was mounted over", true, mount("/"), mount("/var/lib/kubelet"), mount("/var/lib/kubelet", slave, shared)],
])("a directory that %s: %s", (_, is, ...mounts) => expect(isShared("/var/lib/kubelet", mounts.join("\n"))).toBe(is));
