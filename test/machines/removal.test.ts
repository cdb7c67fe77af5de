import { resolve } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("removal", ["busybox:1"]);
const { kubectl } = on;
const script = (name: string) => resolve(import.meta.dirname, "../../systemd", name);
const docker = (...args: string[]) => on.machine.must("docker", ["-H", "unix:///run/docker.sock", ...args]);
const skiffs = async () => ({
  containers: (await docker("ps", "-aq", "--filter", "label=io.skiff.managed=true")).trim(),
  podLinks: (await on.machine.must("sh", ["-c", "ip -o link show | grep -o ': skf[^:@]*' || true"])).trim(),
});

test("what was there before stays, all that is skiff's goes", async () => {
  await docker("run", "-d", "--name", "stranger", "--network", "none", "busybox:1", "sleep", "3600");
  await on.machine.must("nft", ["add", "table", "inet", "stranger"]);
  await kubectl("create", "deployment", "hello", "--image=skiff/hello", "--replicas=2");
  await kubectl("expose", "deployment", "hello", "--port=80", "--target-port=8080");
  await kubectl("rollout", "status", "deployment/hello", "--timeout=60s");
  const { clusterIP } = (await on.json("get", "service", "hello")).spec;
  await eventually(async () => expect(await on.get(`http://${clusterIP}/`)).toContain("hello-"));

  await kubectl("delete", "deployment,service", "hello", "--wait");
  await eventually(async () => expect(await skiffs()).toEqual({ containers: "", podLinks: "" }));
  expect(await on.machine.must("nft", ["list", "ruleset"])).not.toContain(clusterIP);

  await kubectl("create", "deployment", "left-over", "--image=skiff/hello");
  await kubectl("rollout", "status", "deployment/left-over", "--timeout=60s");
  await on.cluster.stop();
  expect((await skiffs()).containers).not.toBe(""); // stopping skiff stops no container
  await on.machine.must("sh", [script("skiff-killall.sh")]);
  expect(await skiffs()).toEqual({ containers: "", podLinks: "" });
  expect((await on.machine.must("nft", ["list", "tables"])).trim()).toBe("table inet stranger");
  expect(await on.machine.must("sh", ["-c", "ip -o link show | grep -c skiff || true"])).toBe("0\n");
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
