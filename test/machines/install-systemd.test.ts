import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { type SystemdMachine, type SystemdMachines, systemdMachines } from "../support/systemd-machine.ts";

const root = resolve(import.meta.dirname, "../..");
let machines: SystemdMachines;
let machine: SystemdMachine;
beforeAll(async () => {
  machines = await systemdMachines();
  machine = await machines.machine("shelf");
  await machine.put(await kubectlPath(), "/usr/local/bin/kubectl");
  // A checkout that has been built: these machines have neither npm nor a compiler.
  await machine.sh("mkdir -p /root/skiff/dist");
  for (const name of ["install.sh", "tsup.config.ts", "package.json", "systemd"])
    await machine.put(resolve(root, name), `/root/skiff/${name}`);
  await machine.put(resolve(root, "dist/skiff"), "/root/skiff/dist/skiff");
  await machine.sh("touch /root/skiff/dist/skiff");
}, 600_000);
afterAll(() => machines?.[Symbol.asyncDispose](), 600_000);

const sh = (script: string) => machine.sh(script, { limitMs: 300_000 });
const lines = async (script: string) => (await sh(script)).split("\n").filter(Boolean);
const install = (environment = "", args = "") => sh(`cd /root/skiff && ${environment} sh install.sh ${args} 2>&1`);
const containers = () => lines("docker ps -q --no-trunc --filter label=io.skiff.managed=true | sort");
const mainPid = () => sh("systemctl show -p MainPID --value skiff");
const nodeIsReady = () =>
  eventually(async () => expect(await sh("skiff kubectl get nodes --no-headers")).toMatch(/^shelf +Ready /));

describe("sh install.sh from a checkout, with systemd", () => {
  test("installs, starts and waits until systemd has been told that the node is Ready", {
    timeout: 900_000,
  }, async () => {
    const said = await install();
    expect(said).toContain("dist/skiff is newer than its sources: not built again");
    expect(said).toContain("started under systemd: `systemctl status skiff`, `journalctl -u skiff`");
    expect(said).toMatch(/waiting for the node to be Ready \.* Ready\n\nskiff runs\. What to do next:/);
    expect(await sh("skiff kubectl get nodes --no-headers")).toMatch(/^shelf +Ready +control-plane/);
    expect(await sh("systemctl show -p ActiveState,SubState,StatusText,UnitFileState,NotifyAccess skiff")).toBe(
      "NotifyAccess=all\nStatusText=node shelf is Ready\nActiveState=active\nSubState=running\nUnitFileState=enabled\n",
    );
    await sh("skiff kubectl create deployment hello --image=skiff/hello --replicas=2");
    await sh("skiff kubectl expose deployment hello --port=80 --target-port=8080");
    await sh("skiff kubectl rollout status deployment/hello --timeout=150s");
    const address = await sh("skiff kubectl get service hello -o 'jsonpath={.spec.clusterIP}'");
    await eventually(async () => expect(await sh(`curl -sS --max-time 5 http://${address}/`)).toContain("hello-"));
  });

  test("run again, it changes nothing", { timeout: 900_000 }, async () => {
    const [pid, running] = [await mainPid(), await containers()];
    expect(await install()).toContain("nothing has changed: skiff runs on");
    expect([await mainPid(), await containers()]).toEqual([pid, running]);
  });

  test("systemd hears signs of life, and starts a skiff anew that gives none", { timeout: 900_000 }, async () => {
    const signOfLife = async () => Number(await sh("systemctl show -p WatchdogTimestampMonotonic --value skiff"));
    expect(await sh("systemctl show -p WatchdogUSec --value skiff")).toBe("3min\n");
    expect(await signOfLife()).toBeGreaterThan(0);

    const folder = "/etc/systemd/system/skiff.service.d";
    await sh(
      `mkdir ${folder} && printf '[Service]\\nWatchdogSec=20\\n' >${folder}/soon.conf && systemctl daemon-reload`,
    );
    await sh("systemctl restart skiff");
    const [pid, first, running] = [await mainPid(), await signOfLife(), await containers()];
    await eventually(async () => expect(await signOfLife()).toBeGreaterThan(first));
    await sh(`kill -STOP ${pid}`);
    await eventually(async () => expect(await mainPid()).not.toMatch(new RegExp(`^(0|${pid.trim()})\n`)));
    await nodeIsReady();
    expect(await containers()).toEqual(running);
    await sh(`rm -r ${folder} && systemctl daemon-reload && systemctl restart skiff`);
  });

  test("new flags replace the old ones, and are kept when none are given", { timeout: 900_000 }, async () => {
    expect(
      await install("INSTALL_SKIFF_EXEC='--tls-san \"shelf $1.example\" --debug=false'", "--tls-san=b%c"),
    ).toContain("skiff runs. What to do next");
    const start = () => sh("grep ^ExecStart= /etc/systemd/system/skiff.service");
    const expected =
      'ExecStart=/usr/local/bin/skiff server "--tls-san" "shelf $$1.example" "--debug=false" "--tls-san=b%%c"\n';
    expect(await start()).toBe(expected);
    expect(await sh("tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value skiff)/cmdline")).toContain(
      "server --tls-san shelf $1.example --debug=false --tls-san=b%c",
    );
    const pid = await mainPid();
    expect(await install()).toContain("nothing has changed: skiff runs on");
    expect([await start(), await mainPid()]).toEqual([expected, pid]);
    expect(await install("INSTALL_SKIFF_FORCE_RESTART=true")).toContain("started under systemd");
    expect(await mainPid()).not.toBe(pid);
    await nodeIsReady();
  });

  test("systemctl restart keeps containers; reload reads the configuration again", { timeout: 900_000 }, async () => {
    const running = await containers();
    expect(running.length).toBeGreaterThan(0);
    await sh("systemctl restart skiff"); // comes back when the node is Ready
    await nodeIsReady();
    expect(await containers()).toEqual(running);
    await install("INSTALL_SKIFF_EXEC=server"); // without flags: the file says all
    const pid = await mainPid();
    const file = "/etc/skiff/config.yaml.d/1.yaml";
    await sh(
      `mkdir -p /etc/skiff/config.yaml.d && printf 'node-name: other\\ntls-san: [kitchen.example]\\n' >${file} && systemctl reload skiff`,
    );
    await eventually(async () =>
      expect(await sh("journalctl -u skiff -o cat")).toMatch(
        /configuration was read again takenUp=\["tls-san"\] needRestart=\["node-name"\]/,
      ),
    );
    const ask = "curl -sS --cacert /var/lib/skiff/server/tls/server-ca.crt --resolve kitchen.example:6443:127.0.0.1";
    await eventually(async () => expect(await sh(`${ask} https://kitchen.example:6443/readyz`)).toBe("ok"));
    await sh("rm -r /etc/skiff/config.yaml.d");
    expect(await mainPid()).toBe(pid);
    await sh("kill -9 $(systemctl show -p MainPID --value skiff)"); // systemd starts it again
    await eventually(async () => expect(await mainPid()).not.toMatch(new RegExp(`^(0|${pid.trim()})\n`)));
    await nodeIsReady();
    expect(await containers()).toEqual(running);
  });

  test("after a reboot everything comes back by itself", { timeout: 900_000 }, async () => {
    await machine.reboot();
    await eventually(async () => expect((await machine.run("systemctl is-active skiff")).stdout).toBe("active\n"));
    await nodeIsReady();
    await sh("skiff kubectl rollout status deployment/hello --timeout=150s");
    const address = await sh("skiff kubectl get service hello -o 'jsonpath={.spec.clusterIP}'");
    await eventually(async () => expect(await sh(`curl -sS --max-time 5 http://${address}/`)).toContain("hello-"));
  });

  test("skiff-killall.sh and skiff-uninstall.sh leave a clean machine", { timeout: 900_000 }, async () => {
    await sh("docker tag skiff/hello keep/mine:1 && mkdir -p /var/lib/skiff/mine");
    await sh("skiff-killall.sh");
    const left = () =>
      lines(
        `docker ps -aq; ip -o link show | grep -oE ' (skf|skiff)[^:@]*'; nft list ruleset | grep -i skiff; grep -E ' (/var/lib|/run)/skiff/' /proc/mounts; pgrep -a skiff; true`,
      );
    expect(await left()).toEqual([]);
    expect(await sh("systemctl is-active skiff || true; ls /var/lib/skiff/server/db")).toMatch(
      /^inactive\n.*state\.db/s,
    );
    expect(await sh("skiff-uninstall.sh 2>&1")).toContain("skiff is removed");
    expect(await left()).toEqual([]);
    expect(
      await lines(
        "find / -xdev -name '*skiff*' -not -path '/proc/*' -not -path '/root/skiff*' -not -path '/var/lib/docker/*' -not -path '/var/log/*'",
      ),
    ).toEqual(["/var/lib/skiff"]);
    expect(
      await lines("ls -A /var/lib/skiff; systemctl list-unit-files | grep skiff; docker images -q 'skiff/*'"),
    ).toEqual(["mine"]);
    expect(await sh("docker images -q keep/mine; kubectl version --client")).toMatch(/^\w+\nClient Version/);
  });
});
