import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type ReleaseHost, releaseHost } from "../support/release-host.ts";
import { type SystemdMachine, type SystemdMachines, systemdMachines } from "../support/systemd-machine.ts";

let machines: SystemdMachines;
let machine: SystemdMachine;
let host: ReleaseHost;
beforeAll(async () => {
  machines = await systemdMachines();
  machine = await machines.machine("first");
  host = await releaseHost(machines.lan.hostAddress);
  host.add("v0.9.1", "latest");
  host.add("v0.9.2", "broken", { damaged: true });
  await machine.sh("mkdir -p /tmp/fakes");
}, 600_000);
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await machines?.[Symbol.asyncDispose]();
}, 600_000);

const sh = (script: string) => machine.sh(script, { limitMs: 300_000 });
const line = (environment = "", args = "") => `curl -sfL ${host.url}/install.sh | ${environment} sh -s - ${args}`;
/** Programs in front of the machine's own. */
const pretending = (programs: Record<string, string>) =>
  [
    "rm -f /tmp/fakes/*;",
    ...Object.entries(programs).map(
      ([name, body]) => `printf '#!/bin/sh\\n${body}\\n' >/tmp/fakes/${name}; chmod +x /tmp/fakes/${name};`,
    ),
    "export PATH=/tmp/fakes:$PATH; ",
  ].join(" ");
const alone = (script: string) => `unshare -m sh -c '${script}'`;

describe("what keeps skiff from running is said in one sentence, before anything is changed", () => {
  const everything = () =>
    sh(
      "find /usr/local /etc/systemd /etc/skiff /var/lib/skiff -printf '%p %s %m\\n' 2>/dev/null | sort; systemctl list-unit-files | grep skiff; true",
    );

  let untouched: string;
  beforeAll(async () => void (untouched = await everything()));

  test.each<[what: string, script: () => string, sentence: RegExp]>([
    [
      "a host that does not answer",
      () => line("INSTALL_SKIFF_URL=http://127.0.0.1:9"),
      /^http:\/\/127.0.0.1:9\/channels\/stable could not be downloaded \(.*\): check the address and this machine's network; nothing was changed$/,
    ],
    [
      "a version that does not exist",
      () => line("INSTALL_SKIFF_VERSION=v7.7.7"),
      /v7.7.7\/sha256sums.txt could not be downloaded \(.*404/,
    ],
    [
      "a channel that does not exist",
      () => line("INSTALL_SKIFF_CHANNEL=nightly"),
      /channels\/nightly could not be downloaded/,
    ],
    [
      "a wrong checksum",
      () => line("INSTALL_SKIFF_CHANNEL=broken"),
      /^the checksum of skiff-\w+.zst is not the one that v0.9.2 lists: .*; nothing was changed$/,
    ],
    [
      "a full disk",
      () => alone(`mount -t tmpfs -o size=64m none /usr/local/bin; ${line()}`),
      /^the disk of \/usr\/local\/bin has 6\d MB free, and skiff needs 200 MB there: make room/,
    ],
    [
      "a read-only /usr/local",
      () => alone(`mount -t tmpfs -o ro none /usr/local; ${line()}`),
      /^\/usr\/local\/bin cannot be written \(is it on a read-only file system\?\)/,
    ],
    [
      "a system of 32 bits",
      () => pretending({ uname: 'case $1 in -m) echo armv7l;; *) exec /bin/uname "$@";; esac' }) + line(),
      /^this is a 32-bit system \(armv7l\) .*install the 64-bit Raspberry Pi OS$/,
    ],
    [
      "programs of 32 bits under a kernel of 64",
      () => pretending({ getconf: "echo 32" }) + line(),
      /^the kernel is a 64-bit one, but the programs of this system are 32-bit/,
    ],
    [
      "an old C library",
      () => pretending({ getconf: "case $1 in LONG_BIT) echo 64;; *) echo glibc 2.31;; esac" }) + line(),
      /^the C library of this system is glibc 2.31, and skiff needs 2.34 or later: upgrade/,
    ],
    [
      "musl",
      () => pretending({ getconf: "exit 1", ldd: "echo musl libc >\\&2; exit 1" }) + line(),
      /^the C library of this system is not glibc \(Alpine and others have musl\)/,
    ],
    [
      "another processor",
      () => pretending({ uname: 'case $1 in -m) echo riscv64;; *) exec /bin/uname "$@";; esac' }) + line(),
      /^skiff runs on 64-bit PCs .*; this is riscv64$/,
    ],
    [
      "no Docker",
      () => line("", "--container-runtime-endpoint unix:///run/none.sock"),
      /^there is no Docker at \/run\/none.sock: install Docker Engine/,
    ],
    [
      "no memory cgroup",
      () =>
        alone(
          `sed "s/^\\\\(memory.*\\\\)1$/\\\\10/" /proc/cgroups >/tmp/cgroups; mount --bind /tmp/cgroups /proc/cgroups; ${line()}`,
        ),
      /^the kernel has no memory cgroup, .*: start it with cgroup_memory=1 cgroup_enable=memory on its command line$/,
    ],
    [
      "no memory cgroup on Raspberry Pi OS",
      () =>
        alone(
          `mkdir -p /boot/firmware; mount -t tmpfs none /boot; mkdir /boot/firmware; echo console=tty1 rootwait >/boot/firmware/cmdline.txt; sed "s/^\\\\(memory.*\\\\)1$/\\\\10/" /proc/cgroups >/tmp/cgroups; mount --bind /tmp/cgroups /proc/cgroups; ${line()}`,
        ),
      /: add cgroup_memory=1 cgroup_enable=memory to the end of the one line in \/boot\/firmware\/cmdline.txt, then reboot$/,
    ],
    [
      "a port that is taken",
      () =>
        `systemd-socket-activate -l 6443 cat >/dev/null 2>&1 & until ss -Hltn sport = :6443 | grep -q .; do sleep 0.1; done; ${line()}; code=$?; kill $!; exit $code`,
      /^0.0.0.0:6443 is in use by systemd-socket-activate: stop it, or choose another port/,
    ],
    [
      "the overlay of another Kubernetes",
      () =>
        `ip link add flannel.1 type vxlan id 1 dstport 8472; ${line()}; code=$?; ip link delete flannel.1; exit $code`,
      /^flannel.1, the overlay of another Kubernetes, is on this machine, .*: remove that one \(k3s-killall.sh,/,
    ],
    [
      "a flag that does not exist",
      () => line("", "--data-dri /x"),
      /^unknown flag --data-dri, did you mean --data-dir\?$/,
    ],
    ["a command that is none", () => line("", "serve"), /^"serve" is no way to run skiff/],
    ["an agent without a token", () => line("SKIFF_URL=https://192.0.2.9:6443"), /token/],
  ])("%s", { timeout: 300_000 }, async (_, script, sentence) => {
    const { code, stderr, stdout } = await machine.run(script());
    expect(code, stdout).not.toBe(0);
    const sentences = stderr.split("\n").filter((text) => text.startsWith("install.sh: "));
    expect(
      sentences.map((text) => text.replace("install.sh: ", "")),
      stderr,
    ).toEqual([expect.stringMatching(sentence)]);
    expect(await everything()).toBe(untouched);
  });
});

describe("from a release host", () => {
  const running = () => sh("docker ps -q --no-trunc --filter label=io.skiff.managed=true | sort");
  const ready = () => eventually(async () => expect(await sh("skiff ready")).toBe("Ready: first\n"));

  test("one line makes a cluster; kubectl is there where it was not", { timeout: 900_000 }, async () => {
    const said = await sh(`${line("", "--tls-san shelf.example")} 2>&1`);
    expect(said).toContain(`downloading ${host.url}/${host.version}/skiff-${process.arch}.zst`);
    expect(said).toMatch(/ Ready\n\nskiff runs\. What to do next:/);
    await ready();
    expect(await sh("readlink /usr/local/bin/kubectl; ls -a /usr/local/bin")).toMatch(
      /^skiff\n\.\n\.\.\nkubectl\nskiff\n/,
    );
    expect((await machine.run("kubectl get nodes")).stderr).toContain("no kubectl on the PATH");
  });

  test("again: nothing is downloaded, nothing changes; another channel upgrades, and its flags and containers stay", {
    timeout: 900_000,
  }, async () => {
    host.asked.length = 0;
    const [before, pid] = [await running(), await sh("pidof skiff")];
    expect(await sh(`${line()} 2>&1`)).toMatch(/is here already\n.*nothing has changed: skiff runs on/s);
    expect(host.asked.filter((path) => path.includes("skiff-"))).toEqual([]);
    expect(await sh("pidof skiff")).toBe(pid);

    expect(await sh(`${line("INSTALL_SKIFF_CHANNEL=latest")} 2>&1`)).toContain("started under systemd");
    await ready();
    expect(await sh("pidof skiff")).not.toBe(pid);
    expect(await running()).toBe(before);
    expect(
      await sh("grep ^ExecStart /etc/systemd/system/skiff.service; ls -a /usr/local/bin | grep -c skiff-install; true"),
    ).toBe('ExecStart=/usr/local/bin/skiff server "--tls-san" "shelf.example"\n0\n');
    expect(await sh("tail -c 6 /usr/local/bin/skiff")).toBe("v0.9.1");
    const asAgent = await machine.run(line("SKIFF_URL=https://192.0.2.9:6443 SKIFF_TOKEN=a"));
    expect(asAgent.stderr).toMatch(
      /^install.sh: this machine runs skiff.service already, .*skiff-uninstall.sh first\n$/,
    );
  });

  test("places, names and variables are taken; nothing is started that is not to be", {
    timeout: 900_000,
  }, async () => {
    const places =
      "INSTALL_SKIFF_NAME=spare INSTALL_SKIFF_BIN_DIR=/opt/bin INSTALL_SKIFF_SYSTEMD_DIR=/opt/units INSTALL_SKIFF_SYMLINK=skip";
    const given = `${places} INSTALL_SKIFF_SKIP_START=true SKIFF_TOKEN='a.b' HTTP_PROXY=http://proxy:3128`;
    await sh("mkdir -p /opt/units");
    host.asked.length = 0;
    // Without zstd, gzip unpacks.
    await sh(
      `mv /usr/bin/zstd /usr/bin/zstd.away; ${line(given, "--https-listen-port 7443")} 2>&1; mv /usr/bin/zstd.away /usr/bin/zstd`,
    );
    expect(host.asked.filter((path) => path.endsWith(".gz") || path.endsWith(".zst"))).toEqual([
      `/${host.version}/skiff-${process.arch}.gz`,
    ]);
    expect(
      await sh("ls -A /opt/bin; cat /opt/units/skiff-spare.service.env; stat -c %a /opt/units/skiff-spare.service.env"),
    ).toBe('skiff\nskiff-killall.sh\nskiff-uninstall.sh\nHTTP_PROXY="http://proxy:3128"\nSKIFF_TOKEN="a.b"\n600\n');
    expect(await sh("grep -E '^(ExecStart|EnvironmentFile)=' /opt/units/skiff-spare.service")).toContain(
      'EnvironmentFile=-/opt/units/skiff-spare.service.env\nExecStart=/opt/bin/skiff server "--https-listen-port" "7443"\n',
    );
    await sh(`${line(`${places} INSTALL_SKIFF_SKIP_START=true SKIFF_TOKEN=c INSTALL_SKIFF_SKIP_DOWNLOAD=true`)} 2>&1`);
    expect(await sh("cat /opt/units/skiff-spare.service.env; grep ^ExecStart= /opt/units/skiff-spare.service")).toBe(
      'HTTP_PROXY="http://proxy:3128"\nSKIFF_TOKEN="c"\nExecStart=/opt/bin/skiff server "--https-listen-port" "7443"\n',
    );
    expect(await sh("systemctl is-enabled skiff-spare; systemctl is-active skiff-spare || true")).toBe(
      "enabled\ninactive\n",
    );
  });

  test("one line with the token makes a second machine a node of it", { timeout: 900_000 }, async () => {
    const second = await machines.machine("second");
    const token = (await sh("cat /var/lib/skiff/server/node-token")).trim();
    const said = await second.sh(`${line(`SKIFF_URL=https://${machine.address}:6443 SKIFF_TOKEN=${token}`)} 2>&1`, {
      limitMs: 300_000,
    });
    expect(said).toMatch(/ Ready\n\nskiff runs, and this machine is a node of the cluster/);
    await eventually(async () => expect(await sh("skiff ready")).toMatch(/^Ready: (first, second|second, first)\n/));
    expect(await second.sh("systemctl show -p ActiveState,UnitFileState --value skiff-agent")).toBe(
      "active\nenabled\n",
    );
    expect(await second.sh(`${line()} 2>&1`, { limitMs: 300_000 })).toContain(
      "nothing has changed: skiff-agent runs on",
    );
    await second.sh("skiff-uninstall.sh 2>&1");
    expect(
      await second.sh("ls -A /usr/local/bin /etc/systemd/system /var/lib/skiff 2>/dev/null | grep skiff; true"),
    ).toBe("");
  });
});
