import { cpSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

const root = resolve(import.meta.dirname, "../..");
let checkout: string;
let network: Lan;
let machine: Machine;
beforeAll(async () => {
  network = await lan();
  machine = await network.machine("installed");
  // A fresh checkout: nothing in it is built yet.
  checkout = join(machine.directory, "checkout");
  mkdirSync(checkout);
  const parts = ["src", "scripts", "systemd", "install.sh", "LICENSE", "tsconfig.json", "tsup.config.ts"];
  for (const name of [...parts, "package.json", "package-lock.json"])
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  symlinkSync(realpathSync(join(root, "node_modules")), join(checkout, "node_modules"));
  await machine.must("ln", ["-s", await kubectlPath(), "/usr/local/bin/kubectl"]);
});
afterAll(() => network?.[Symbol.asyncDispose]());

const sh = (script: string, limitMs = 300_000) => machine.must("sh", ["-c", script], { limitMs });
const lines = async (script: string) => (await sh(script)).split("\n").filter(Boolean);
const servers = () => lines("pgrep -f '^/usr/local/bin/skiff server' || true");
const containers = () => lines("docker ps -q --no-trunc --filter label=io.skiff.managed=true | sort");

test("without systemd, install.sh builds, installs and starts skiff; again, it changes nothing; what it brought goes again", {
  timeout: 900_000,
}, async () => {
  const install = (environment = "") => sh(`cd ${checkout} && ${environment} sh install.sh 2>&1`, 400_000);
  const first = await install();
  expect(first).toMatch(/building skiff: done .*\n== installed \/usr\/local\/bin\/skiff \(skiff \d/s);
  expect(first).toContain("systemd is not running here: skiff runs in the background");
  expect(first).toMatch(/Ready\n\nskiff runs\. What to do next:/);
  expect(await sh("skiff kubectl get nodes --no-headers")).toMatch(/ Ready .*control-plane/);

  // What the installer says to do next.
  await sh("skiff kubectl create deployment hello --image=skiff/hello");
  await sh("skiff kubectl expose deployment hello --port=80 --target-port=8080");
  await sh("skiff kubectl rollout status deployment/hello --timeout=150s");
  const address = await sh("skiff kubectl get service hello -o 'jsonpath={.spec.clusterIP}'");
  await eventually(async () => expect(await sh(`curl -sS --max-time 5 http://${address}/`)).toContain("hello"));

  const [before, server] = [await containers(), await servers()];
  expect(before.length).toBeGreaterThan(0);
  expect(server).toHaveLength(1);
  expect(await install()).toMatch(
    /not built again\n.*nothing has changed: skiff runs on\n.*skiff runs\. What to do next:/s,
  );
  expect([await containers(), await servers()]).toEqual([before, server]);
  // What was put in place and not taken up, by one that starts nothing or was broken off, is taken up by the next.
  await install("INSTALL_SKIFF_SKIP_START=true SKIFF_DEBUG=true");
  expect(await servers()).toEqual(server);
  expect(await install()).toContain("stopping the skiff that runs");
  expect(await install()).toContain("nothing has changed: skiff runs on");
  expect(await install("INSTALL_SKIFF_FORCE_RESTART=true")).toContain("stopping the skiff that runs");
  expect(await containers()).toEqual(before);
  expect(await servers()).toHaveLength(1);
  expect(await servers()).not.toEqual(server);
  await eventually(async () =>
    expect(await sh("skiff kubectl get deployment hello --no-headers")).toMatch(/hello +1\/1/),
  );

  await sh("docker tag skiff/hello keep/mine:1 && ip link add mine type bridge && nft add table inet mine");
  await sh("skiff-killall.sh");
  const left = () =>
    lines(
      `docker ps -aq; ip -o link show | grep -oE ' (skf|skiff)[^:@]*'; nft list tables | grep skiff; grep -E ' (/var/lib|/run)/skiff/' /proc/mounts; true`,
    );
  expect([await servers(), await left()]).toEqual([[], []]);
  expect(await sh("ls /var/lib/skiff/server/db")).toContain("state.db");

  await sh("skiff-uninstall.sh 2>&1");
  expect(await lines("ls -A /var/lib/skiff /etc/skiff /run/skiff 2>/dev/null | grep -v ':$'; true")).toEqual([]);
  expect(await lines("ls /usr/local/bin /etc/systemd /var/log | grep skiff; true")).toEqual([]);
  expect(await lines("docker images -q 'skiff/*'")).toEqual([]);
  // Nothing that is not skiff's is touched.
  expect(await sh("docker images -q keep/mine; ip link show mine; nft list tables")).toMatch(
    /^\w+\n.*mine.*inet mine/s,
  );
});
