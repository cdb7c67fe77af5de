import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { imageArchive } from "../support/images.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { type SystemdMachine, type SystemdMachines, systemdMachines } from "../support/systemd-machine.ts";

let machines: SystemdMachines;
beforeAll(async () => void (machines = await systemdMachines()), 600_000);
afterAll(() => machines?.[Symbol.asyncDispose](), 600_000);

/** A pod that writes down in which order it is ended. */
const tidy = `
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
        command: [sh, -c, "trap 'sleep 1; echo ended >>/out/said; exit 0' TERM; touch /tmp/hears; while :; do sleep 1; done"]
        readinessProbe: {exec: {command: [cat, /tmp/hears]}, periodSeconds: 1, timeoutSeconds: 30}
        lifecycle: {preStop: {exec: {command: [sh, -c, "sleep 4; echo asked >>/out/said"]}}}
        volumeMounts: [{name: out, mountPath: /out}]
      volumes: [{name: out, hostPath: {path: /var/out}}]
`;

// "systemd" is what Docker takes by itself on devices with cgroup v2: containers are systemd's scopes, which it would end
// when the machine goes down, before skiff does.
describe.each(["cgroupfs", "systemd"])("with Docker's driver %s", (driver) => {
  let machine: SystemdMachine;
  const sh = (script: string) => machine.sh(script, { limitMs: 300_000 });
  beforeAll(async () => {
    machine = await machines.machine(driver);
    await machine.put(resolve(import.meta.dirname, "../../dist/skiff"), "/usr/local/bin/skiff");
    await machine.put(await kubectlPath(), "/usr/local/bin/kubectl");
    await machine.put(await imageArchive("busybox:1"), "/root/busybox.tar");
    await sh(`mkdir -p /etc/docker /etc/skiff /var/out
      echo '{"exec-opts": ["native.cgroupdriver=${driver}"]}' >/etc/docker/daemon.json
      systemctl restart docker && docker import /root/busybox.tar busybox:1
      echo 'shutdown-grace-period: 40s' >/etc/skiff/config.yaml
      skiff files skiff.service >/etc/systemd/system/skiff.service
      systemctl daemon-reload && systemctl enable --now skiff`);
  }, 900_000);

  test("pods end in skiff's order when the machine goes down, and are replaced when it is back", {
    timeout: 900_000,
  }, async () => {
    expect(await sh("docker info --format '{{.CgroupDriver}}'")).toBe(`${driver}\n`);
    await sh(`echo '${tidy.replaceAll("'", "'\\''")}' | skiff kubectl apply -f -
      skiff kubectl rollout status deployment/tidy --timeout=150s`);
    const slices = await sh("systemctl list-units --no-legend 'docker-*.scope' 'kubepods*.slice'");
    expect(slices.includes("kubepods")).toBe(driver === "systemd");
    const before = await sh("skiff kubectl get pods -l app=tidy -o 'jsonpath={.items[*].metadata.name}'");
    await machine.reboot();
    await eventually(async () => expect(await sh("skiff kubectl get nodes --no-headers")).toMatch(/ Ready /));
    expect(await sh("cat /var/out/said")).toBe("asked\nended\n");
    expect(JSON.parse(await sh(`skiff kubectl get pod ${before} -o json`)).status).toMatchObject({
      phase: "Failed",
      reason: "Terminated",
      message: "Pod was terminated in response to imminent node shutdown.",
      conditions: expect.arrayContaining([
        expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" }),
      ]),
    });
    await sh("skiff kubectl rollout status deployment/tidy --timeout=150s");
    await sh("skiff files skiff-killall.sh >/root/killall.sh && sh /root/killall.sh");
    expect(await sh("ls /run/systemd/system | grep kubepods; docker ps -aq")).toBe("");
  });
});
