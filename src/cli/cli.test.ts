import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { server } from "./commands/server.ts";
import { readConfig, readConfigFiles } from "./config-file.ts";
import { parseArguments } from "./parse.ts";
import { runCli } from "./run.ts";
import { serverConfigFrom } from "./server-config.ts";

const configOf = (args: string[], env: NodeJS.ProcessEnv = {}, yaml = "") =>
  serverConfigFrom(parseArguments(server, args, { env, config: readConfig(server, "config.yaml", yaml) }), "Shelf-1");

/** Runs the program; what it printed and its exit code. */
async function skiff(...args: string[]) {
  const seen = { out: "", err: "", code: 0 };
  const io = {
    out: (t: string) => void (seen.out += t),
    err: (t: string) => void (seen.err += t),
    stop: new AbortController().signal,
    env: { SKIFF_CONFIG_FILE: "" },
    onReload: () => {},
  };
  seen.code = await runCli(args, io);
  return seen;
}

describe("the server's configuration", () => {
  test("has k3s's defaults", () => {
    const config = configOf(["--data-dir", "/d"]);
    expect(config).toMatchObject({
      listen: { address: "0.0.0.0", port: 6443 },
      clusterDns: ["10.43.0.10"],
      nodePorts: { from: 30000, to: 32767 },
      networkBackend: "vxlan",
      agent: { nodeName: "shelf-1", runtimeEndpoint: "/var/run/docker.sock" },
    });
  });

  test("settings of the controllers are given in kube-controller-manager's words", () => {
    const args = ["node-monitor-grace-period=1m8.5s", "controllers=*,-job-controller", "root-ca-file=/ca.crt"];
    expect(configOf(args.map((arg) => `--kube-controller-manager-arg=${arg}`)).controllerSettings).toEqual({
      nodeMonitorGraceMs: 68_500,
      controllers: ["*", "-job-controller"],
      "root-ca-file": "/ca.crt",
    });
  });

  test("the command line wins over the environment, and the environment over the file", () => {
    const yaml = "node-name: from-file\ntls-san: [a, b]";
    expect(configOf([], {}, yaml).agent.nodeName).toBe("from-file");
    expect(configOf([], { SKIFF_NODE_NAME: "from-env" }, yaml).agent.nodeName).toBe("from-env");
    expect(configOf(["--node-name=from-line"], { SKIFF_NODE_NAME: "from-env" }, yaml).agent.nodeName).toBe("from-line");
    expect(configOf([], {}, yaml).tlsSans).toEqual(["a", "b"]);
  });

  test.each<[args: string[], says: string]>([
    [["--data-dri", "/d"], "unknown flag --data-dri, did you mean --data-dir?"],
    [["--frobnicate"], "unknown flag --frobnicate: `skiff help server` lists the flags"],
    [["--data-dir"], "--data-dir needs a value: --data-dir DIR"],
    [["--data-dir=a", "--data-dir=b"], "--data-dir is given twice (a, then b): give it once"],
    [["now"], 'unexpected argument "now": `skiff server` takes flags only, see `skiff help server`'],
    [["--debug=maybe"], '--debug is a switch: it takes true or false, not "maybe"'],
    [["--https-listen-port=0"], "--https-listen-port 0: a port is a number from 1 to 65535"],
    [["--cluster-cidr=10.42.0.0/33"], "--cluster-cidr 10.42.0.0/33: a prefix is at most 32 for IPv4"],
    [["--cluster-cidr=10.42.0.0"], "--cluster-cidr 10.42.0.0: the prefix is missing, such as 10.42.0.0/16"],
    [
      ["--cluster-cidr=10.0.0.0/8"],
      "--cluster-cidr 10.0.0.0/8 and --service-cidr 10.43.0.0/16 overlap: pods and Services need networks of their own",
    ],
    [["--cluster-dns=10.44.0.10"], "--cluster-dns 10.44.0.10: it must lie inside --service-cidr"],
    [["--service-node-port-range=9-1"], "--service-node-port-range 9-1: a range of ports is written as 30000-32767"],
    [
      ["--write-kubeconfig-mode=rw"],
      "--write-kubeconfig-mode rw: a file mode has three octal digits, such as 600 or 644",
    ],
    [["--flannel-backend=ipsec"], "--flannel-backend ipsec: choose one of vxlan, host-gw, wireguard, none"],
    [["--node-label=a=b%c"], "--node-label a=b%c: a valid label must be"],
    [["--shutdown-grace-period=soon"], "--shutdown-grace-period soon: a duration is written as 90s or 1m30s"],
    [
      ["--shutdown-grace-period=5m"],
      "--shutdown-grace-period 300s: systemd gives skiff two minutes to stop: at most 110s",
    ],
    [
      ["--shutdown-grace-period=10s", "--shutdown-grace-period-critical-pods=1m"],
      "--shutdown-grace-period-critical-pods 60s: it is a part of --shutdown-grace-period, so at most as long",
    ],
    [["--node-label=a"], "--node-label a: write it as key=value"],
    [["--node-taint=a=b"], "--node-taint a=b: write it as key=value:NoSchedule (or PreferNoSchedule, NoExecute)"],
    [
      ["--disable-agent", "--node-ip=192.0.2.1"],
      "--node-ip and --disable-agent contradict each other: without an agent this machine is no node; leave one of them out",
    ],
    [
      ["--kube-controller-manager-arg=node-monitor-graze-period=8s"],
      '--kube-controller-manager-arg node-monitor-graze-period=8s: skiff has no setting "node-monitor-graze-period"',
    ],
    [
      ["--kube-controller-manager-arg=node-monitor-grace-period=8"],
      "--kube-controller-manager-arg node-monitor-grace-period=8: a duration is written as 40s, 1m30s or 500ms",
    ],
    [
      ["--kube-controller-manager-arg=cluster-cidr=10.9.0.0/16"],
      "--kube-controller-manager-arg cluster-cidr=10.9.0.0/16: the cluster has 10.42.0.0/16: say it with --cluster-cidr instead",
    ],
    [
      ["--kube-controller-manager-arg=controllers=*,-deploymint-controller"],
      '--kube-controller-manager-arg controllers=*,-deploymint-controller: skiff has no controller "deploymint-controller"',
    ],
    [["--kube-scheduler-arg=colour=red"], '--kube-scheduler-arg colour=red: skiff has no setting "colour"'],
  ])("refuses %j in one sentence", (args, says) => {
    expect(() => configOf(args)).toThrow(says);
  });

  test.each<[yaml: string, says: string]>([
    ["data-dri: /d", 'config.yaml: unknown key "data-dri", did you mean "data-dir"?'],
    ["data-dir: [a, b]", "data-dir in config.yaml: takes one value, not a list"],
    ["data-dir: {a: b}", 'data-dir in config.yaml: expected a plain value, found {"a":"b"}'],
    ["data-dir+: /d", "data-dir+ in config.yaml: takes one value, so none can be added"],
    ["- a", 'config.yaml: expected keys and values ("data-dir: /var/lib/skiff"), found ["a"]'],
    ["a: 'b", "config.yaml is not YAML"],
  ])("refuses the config file %j in one sentence", (yaml, says) => {
    expect(() => configOf([], {}, yaml)).toThrow(says);
  });
});

describe("config files", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "skiff-config-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  test("later files of the folder replace keys of earlier ones", () => {
    const file = join(folder, "config.yaml");
    mkdirSync(`${file}.d`);
    writeFileSync(file, "node-name: main\ncluster-domain: main.local\n");
    writeFileSync(join(`${file}.d`, "20.yaml"), "node-name: twenty\n");
    writeFileSync(join(`${file}.d`, "10.yaml"), "node-name: ten\n");
    writeFileSync(join(`${file}.d`, "notes.txt"), "not: read\n");
    const values = readConfigFiles(server, file, { mustExist: true });
    expect([...values].map(([name, { texts }]) => [name, texts[0]])).toEqual([
      ["node-name", "twenty"],
      ["cluster-domain", "main.local"],
    ]);
  });

  test("a key with + adds to what earlier files say; without it the count begins anew", () => {
    const file = join(folder, "config.yaml");
    mkdirSync(`${file}.d`);
    writeFileSync(file, "tls-san: [a]\nnode-label: [x=1]\n");
    writeFileSync(join(`${file}.d`, "1.yaml"), "tls-san+: [b, c]\nnode-label+: y=2\nnode-taint+: [k=v:NoSchedule]\n");
    writeFileSync(join(`${file}.d`, "2.yaml"), "tls-san+: d\nnode-label: z=3\n");
    const values = readConfigFiles(server, file, { mustExist: true });
    expect(values.get("tls-san")?.texts).toEqual(["a", "b", "c", "d"]);
    expect(values.get("node-label")?.texts).toEqual(["z=3"]);
    expect(values.get("node-taint")?.texts).toEqual(["k=v:NoSchedule"]);
  });

  test("only a file that was asked for must exist", () => {
    expect(readConfigFiles(server, join(folder, "none.yaml"), { mustExist: false }).size).toBe(0);
    expect(() => readConfigFiles(server, join(folder, "none.yaml"), { mustExist: true })).toThrow(
      "there is no such config file",
    );
  });
});

describe("the program", () => {
  test("prints its version and its commands", async () => {
    expect((await skiff("--version")).out).toMatch(/^skiff \d/);
    expect((await skiff("help")).out).toContain("server");
    expect((await skiff("help", "server")).out).toContain("--https-listen-port PORT");
    expect((await skiff("server", "--help")).out).toContain("--https-listen-port PORT");
  });

  test("answers an unknown command with one line and exit code 2", async () => {
    expect(await skiff("serve")).toEqual({
      out: "",
      err: 'skiff: unknown command "serve", did you mean `skiff server`?\n',
      code: 2,
    });
  });
});
