import { resolve } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("removal", ["busybox:1"]);
const { kubectl } = on;
const apply = (manifest: string) => on.cluster.kubectl.apply(manifest);
const script = (name: string) => resolve(import.meta.dirname, "../../systemd", name);
const docker = (...args: string[]) => on.machine.must("docker", ["-H", "unix:///run/docker.sock", ...args]);
const skiffs = async () => ({
  containers: (await docker("ps", "-aq", "--filter", "label=io.skiff.managed=true")).trim(),
  podLinks: (await on.machine.must("sh", ["-c", "ip -o link show | grep -o ': skf[^:@]*' || true"])).trim(),
});
const memoryPod = `
apiVersion: v1
kind: Pod
metadata: {name: memory}
spec:
  terminationGracePeriodSeconds: 600
  containers: [{name: c, image: "busybox:1", command: [sleep, "3600"], volumeMounts: [{name: m, mountPath: /m}]}]
  volumes: [{name: m, emptyDir: {medium: Memory}}]
`;
/** A filter that drops by policy, with a rule of skiff's in each of its chains and others beside them. */
const filter = `
table ip filter {
  chain DOCKER-USER {
    ip saddr 10.42.0.0/16 accept comment "skiff"
    accept comment "skiffs"
  }
  chain FORWARD {
    type filter hook forward priority 0; policy drop;
    ip daddr 10.42.0.0/16 accept comment "skiff"
    accept comment "mine"
  }
}
`;

test("what was there before stays, all that is skiff's goes", async () => {
  await docker("run", "-d", "--name", "stranger", "--network", "none", "busybox:1", "sleep", "3600");
  await on.machine.must("nft", ["add", "table", "inet", "stranger"]);
  await on.machine.must("ip", ["link", "add", "skiffle0", "type", "bridge"]);
  await kubectl("create", "deployment", "hello", "--image=skiff/hello", "--replicas=2");
  await kubectl("expose", "deployment", "hello", "--port=80", "--target-port=8080");
  await kubectl("rollout", "status", "deployment/hello", "--timeout=150s");
  const { clusterIP } = (await on.json("get", "service", "hello")).spec;
  await eventually(async () => expect(await on.get(`http://${clusterIP}/`)).toContain("hello-"));

  await kubectl("delete", "deployment,service", "hello", "--wait");
  await eventually(async () => expect(await skiffs()).toEqual({ containers: "", podLinks: "" }));
  await eventually(async () => expect(await on.machine.must("nft", ["list", "ruleset"])).not.toContain(clusterIP));

  await kubectl("create", "deployment", "left-over", "--image=skiff/hello");
  await kubectl("rollout", "status", "deployment/left-over", "--timeout=150s");
  await apply(memoryPod);
  await kubectl("wait", "--for=condition=Ready", "pod/memory", "--timeout=150s");
  await kubectl("delete", "pod", "memory", "--wait=false");
  await eventually(async () => expect(await kubectl("events", "--for", "pod/memory")).toContain("Killing"));
  await on.cluster.stop(); // does not wait for the pod's end
  // What a second node and a filter of Docker's would have brought.
  await on.machine.must("ip", ["route", "add", "10.42.9.0/24", "via", on.lan.hostAddress, "proto", "143"]);
  await on.machine.must("nft", ["-f", "-"], { input: filter });
  expect((await skiffs()).containers).not.toBe(""); // stopping skiff stops no container
  await on.machine.must("sh", [script("skiff-killall.sh")]);
  expect(await skiffs()).toEqual({ containers: "", podLinks: "" });
  expect((await on.machine.must("nft", ["list", "tables"])).trim().split("\n")).toEqual([
    "table inet stranger",
    "table ip filter",
  ]);
  const left = await on.machine.must("nft", ["list", "table", "ip", "filter"]);
  expect(left).not.toMatch(/ comment "skiff"\n/);
  expect(left.match(/accept comment "\w+"/g)).toEqual(['accept comment "skiffs"', 'accept comment "mine"']);
  expect((await on.machine.must("sh", ["-c", "ip -o link show | grep -o ' ski[^:@]*'"])).trim()).toBe("skiffle0");
  expect(await on.machine.must("sh", ["-c", "grep -c skiff/ /proc/mounts || true"])).toBe("0\n");
  expect(await on.machine.must("sh", ["-c", "find /sys/fs/cgroup -path '*kubepods*' -name 'pod*' | head -3"])).toBe("");
  expect(await on.machine.must("sh", ["-c", "ip route show | grep -c 10.42 || true"])).toBe("0\n");
  expect((await docker("ps", "--format", "{{.Names}}")).trim()).toBe("stranger");

  await on.machine.must("sh", [
    "-c",
    `cp ${script("skiff-killall.sh")} /usr/local/bin/ && sh ${script("skiff-uninstall.sh")}`,
  ]);
  expect(
    await on.machine.must("sh", [
      "-c",
      "ls -A /var/lib/skiff /etc/skiff 2>/dev/null | grep -v '^/' | grep . || echo nothing",
    ]),
  ).toBe("nothing\n");
  expect((await docker("images", "--format", "{{.Repository}}")).trim().split("\n")).not.toContain("skiff/hello");
});
