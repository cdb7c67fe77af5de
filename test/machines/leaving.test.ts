import { resolve } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { kubectlPath } from "../support/kubectl.ts";
import type { Machine } from "../support/machine.ts";
import { start } from "../support/run.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
const two = secondNode(on, "two");
const script = (name: string) => resolve(import.meta.dirname, "../../systemd", name);
const sh = async (machine: Machine, line: string) => (await machine.must("sh", ["-c", line])).trim();

/** What a machine has of its own beside files: what is skiff's of it must go, and nothing else. */
const found = async (machine: Machine) => ({
  links: await sh(machine, "ls /sys/class/net | sort"),
  routes: await sh(machine, "ip route show table all | grep -v 'broadcast\\|cache' | sort"),
  policies: await sh(machine, "ip rule show"),
  rules: await sh(machine, "nft list ruleset"),
  mounts: await sh(machine, "grep -c ' /var/lib/skiff/\\| /run/skiff' /proc/mounts || true"),
  containers: await sh(machine, "docker -H unix:///run/docker.sock ps -aq"),
  cgroups: await sh(machine, "find /sys/fs/cgroup -maxdepth 4 -name '*kubepods*' | sort"),
  files: await sh(machine, "ls -dA /var/lib/skiff/* /etc/skiff/* /run/skiff 2>/dev/null || true"),
});

test("kubectl reaches pods of a second node in every way that it reaches those of the first", async () => {
  const serve =
    "mkdir /www; echo from two > /www/index.html; httpd -p 8080 -h /www; while true; do echo tick; sleep 1; done";
  await on.runOn("two", "web", "sh", "-c", serve);
  await eventually(() => kubectl("exec", "web", "--", "wget", "-qO-", "http://127.0.0.1:8080/"));
  expect(await kubectl("exec", "-i", "web", "--", "sh", "-c", "echo $((6 * 7))")).toBe("42\n");
  await kubectl("cp", "/etc/hostname", "web:/tmp/copied");
  expect(await kubectl("exec", "web", "--", "wc", "-l", "/tmp/copied")).toMatch(/^1 /);
  const forward = start(await kubectlPath(), ["port-forward", "pod/web", ":8080"], {
    env: { ...process.env, KUBECONFIG: on.cluster.kubeconfig },
  });
  try {
    const port = await eventually(() => {
      const [, found] = /127\.0\.0\.1:(\d+) -> 8080/.exec(forward.output()) ?? [];
      if (!found) throw new Error(`no port yet: ${forward.output()}`);
      return found;
    });
    const get = () => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text());
    for (const _ of [1, 2, 3])
      expect(await get().catch((error: Error) => `${error.message}: ${forward.output()}`)).toBe("from two\n");
  } finally {
    await forward.stop();
  }
  const following = start(await kubectlPath(), ["logs", "-f", "web", "--tail=2"], {
    env: { ...process.env, KUBECONFIG: on.cluster.kubeconfig },
  });
  try {
    await eventually(() => expect(following.output()).toMatch(/^(tick\n){4,}$/));
  } finally {
    await following.stop();
  }
  await eventually(async () => {
    expect(await kubectl("top", "node", "two", "--no-headers")).toMatch(/^two +\d+m +\d+% +\d+Mi +\d+%/);
    expect(await kubectl("top", "pod", "web", "--no-headers")).toMatch(/^web +\d+m +\d+Mi/);
  });
});

test("a node that is drained, deleted and uninstalled leaves nothing on its device", async () => {
  await two.machine.must("docker", [
    "-H",
    "unix:///run/docker.sock",
    "run",
    "-d",
    "--name",
    "stranger",
    "--network",
    "none",
    "busybox:1",
    "sleep",
    "36000",
  ]);
  await two.machine.must("nft", ["add", "table", "inet", "stranger"]);
  await kubectl("create", "deployment", "spread", "--image=busybox:1", "--replicas=3", "--", "sleep", "36000");
  await kubectl("expose", "deployment", "spread", "--port=80", "--type=NodePort");
  await kubectl("rollout", "status", "deployment/spread", "--timeout=150s");
  const drain = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--grace-period=1", "--timeout=150s"];
  // Until the scheduler has heard of it, what is made in a pod's place may come there again.
  await eventually(async () => {
    await kubectl("drain", "two", ...drain);
    expect((await json("get", "pods", "-A", "--field-selector=spec.nodeName=two")).items).toEqual([]);
  });
  await kubectl("rollout", "status", "deployment/spread", "--timeout=150s");
  await kubectl("delete", "node", "two");
  await eventually(() => expect(two.agent.output()).toContain("this node was deleted from the cluster"));
  await two.agent.stop();
  await sh(two.machine, `cp ${script("skiff-killall.sh")} /usr/local/bin/ && sh ${script("skiff-uninstall.sh")}`);
  const after = await found(two.machine);
  expect(after).toMatchObject({ links: "eth0\nlo", mounts: "0", cgroups: "", files: "" });
  expect(after.rules).toBe("table inet stranger {\n}");
  expect(after.routes).not.toMatch(/10\.4[23]\.|skf|skiff/);
  expect(after.policies.split("\n")).toHaveLength(3);
  expect(after.containers.split("\n")).toHaveLength(1);
});

test("the cluster forgets the node: its key, its lease, the way to its pods", async () => {
  await eventually(async () => {
    const { items: secrets } = await json("get", "secrets", "-n", "kube-system");
    expect(secrets.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).not.toContain(
      "two.node-key.skiff",
    );
    const leases = await kubectl("get", "leases", "-n", "kube-node-lease", "-o", "name");
    expect(leases).toBe("lease.coordination.k8s.io/one\n");
    expect(await sh(on.machine, "ip route show | grep -c '^10.42.1' || true")).toBe("0");
    const all = await kubectl("get", "nodes,pods,csinodes,csr,volumeattachments", "-A", "-o", "json");
    const named = JSON.parse(all).items.filter((item: object) => JSON.stringify(item).includes('"two"'));
    expect(
      named.map(({ kind, metadata }: { kind: string; metadata: { name: string } }) => [kind, metadata.name]),
    ).toEqual([]);
  });
  expect(await on.fails("logs", "web")).toMatch(/not found/);
});
