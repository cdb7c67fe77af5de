import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { imageArchive } from "../support/images.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { type SystemdMachine, type SystemdMachines, systemdMachines } from "../support/systemd-machine.ts";

const root = resolve(import.meta.dirname, "../..");
let machines: SystemdMachines;
let machine: SystemdMachine;
beforeAll(async () => {
  machines = await systemdMachines();
  machine = await machines.machine("shelf");
  await machine.put(resolve(root, "dist/skiff"), "/usr/local/bin/skiff");
  await machine.put(await kubectlPath(), "/usr/local/bin/kubectl");
  await machine.put(await imageArchive("busybox:1"), "/root/busybox.tar");
  // The driver that Docker takes by itself on devices with cgroup v2: containers are systemd's scopes.
  await sh(`mkdir -p /etc/docker /etc/skiff /var/out
    echo '{"exec-opts": ["native.cgroupdriver=systemd"]}' >/etc/docker/daemon.json
    systemctl restart docker && docker import /root/busybox.tar busybox:1
    echo 'shutdown-grace-period: 40s' >/etc/skiff/config.yaml
    skiff files skiff.service >/etc/systemd/system/skiff.service
    systemctl daemon-reload && systemctl enable --now skiff`);
}, 600_000);
afterAll(() => machines?.[Symbol.asyncDispose](), 120_000);

const sh = (script: string) => machine.sh(script, { limitMs: 300_000 });

test("with Docker's systemd driver pods end in skiff's order too, not by systemd's hand before", {
  timeout: 300_000,
}, async () => {
  expect(await sh("docker info --format '{{.CgroupDriver}}'")).toBe("systemd\n");
  await sh(`cat <<'MANIFEST' | skiff kubectl apply -f -
apiVersion: apps/v1
kind: Deployment
metadata: {name: tidy}
spec:
  selector: {matchLabels: {app: tidy}}
  template:
    metadata: {labels: {app: tidy}}
    spec:
      containers:
      - name: c
        image: busybox:1
        command: [sh, -c, "trap 'echo ended >>/out/said; exit 0' TERM; while :; do sleep 1; done"]
        lifecycle: {preStop: {exec: {command: [sh, -c, "sleep 5; echo asked >>/out/said"]}}}
        volumeMounts: [{name: out, mountPath: /out}]
      volumes: [{name: out, hostPath: {path: /var/out}}]
MANIFEST
skiff kubectl rollout status deployment/tidy --timeout=90s`);
  expect(await sh("systemctl list-units --no-legend 'docker-*.scope' 'kubepods*.slice'")).toContain("kubepods");
  await machine.reboot();
  await eventually(async () => expect(await sh("skiff kubectl get nodes --no-headers")).toMatch(/^shelf +Ready /));
  expect(await sh("cat /var/out/said")).toBe("asked\nended\n");
  await sh("skiff kubectl rollout status deployment/tidy --timeout=90s");
  await sh("skiff files skiff-killall.sh >/root/killall.sh && sh /root/killall.sh");
  expect(await sh("ls /run/systemd/system | grep kubepods; docker ps -aq")).toBe("");
});
