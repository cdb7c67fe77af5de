import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Node } from "../../src/api/schema/types.ts";
import { type Api, openApi } from "./api.ts";
import { eventually, Hopeless } from "./eventually.ts";
import { type Kubectl, openKubectl } from "./kubectl.ts";
import { goOn, type Machine } from "./machine.ts";

const root = resolve(import.meta.dirname, "../..");
/** The executable; with SKIFF_FROM_SOURCES=1 the sources, run by Node.js, which saves a build while developing. */
export const skiffProgram: readonly [string, ...string[]] = process.env.SKIFF_FROM_SOURCES
  ? [join(root, "node_modules/.bin/node"), join(root, "src/main.ts")]
  : [join(root, "dist/skiff")];

/** The sources as if they were of another version. */
export function programOfVersion(version: string): readonly [string, ...string[]] {
  const told = `data:text/javascript,globalThis.SKIFF_VERSION=${JSON.stringify(version)}`;
  return [join(root, "node_modules/.bin/node"), "--import", told, join(root, "src/main.ts")];
}

/** Runs a command of skiff on a machine to its end; what it printed. An exit code other than 0 is an error. */
export function runSkiff(machine: Machine, ...args: string[]): Promise<string> {
  return machine.must(skiffProgram[0], [...skiffProgram.slice(1), ...args]);
}

/** Puts what follows into the machine's /etc/skiff/config.yaml. */
export async function writeConfig(machine: Machine, yaml: string): Promise<void> {
  await machine.must("sh", ["-c", "mkdir -p /etc/skiff && cat >/etc/skiff/config.yaml"], { input: yaml });
}

/** Sends a signal to the skiff of a machine. nsenter stands between: `start()` knows only that process. */
export async function signalSkiff(machine: Machine, role: "server" | "agent", signal: NodeJS.Signals): Promise<void> {
  await machine.run("pkill", [`-${signal.replace("SIG", "")}`, "-f", `(dist/skiff|src/main.ts) ${role}`]);
}

/** `skiff server` on a machine, and kubectl connected to it. */
export interface Cluster extends AsyncDisposable {
  readonly machine: Machine;
  readonly kubectl: Kubectl;
  /** The administrator's kubeconfig, usable from the host. */
  readonly kubeconfig: string;
  /** What the server printed. */
  output(): string;
  /** Ends the server by a signal and waits for its end; the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  /** Starts it again; resolves when its node is Ready. */
  start(): Promise<void>;
  /** Starts it again; does not wait for anything. */
  launch(): void;
}

/** Starts `skiff server` with these flags; resolves when its node is Ready. */
export async function startCluster(
  machine: Machine,
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Cluster> {
  const inside = "/etc/skiff/skiff.yaml";
  const startServer = () => machine.start(skiffProgram[0], [...skiffProgram.slice(1), "server", ...flags], env);
  let server = startServer();
  const kubeconfig = join(machine.directory, "kubeconfig");

  const untilReady = async (): Promise<void> => {
    await eventually(
      async () => {
        if (server.child.exitCode !== null) {
          await server.ended;
          throw new Hopeless(`skiff server ended:\n${server.output()}`);
        }
        const text = readFileSync(join(machine.directory, "disk", inside), "utf8");
        writeFileSync(kubeconfig, text.replace("https://127.0.0.1:", `https://${machine.address}:`), { mode: 0o600 });
        using api = openApi(kubeconfig);
        await hasAccount(api);
        await nodeIsReady(api, machine);
      },
      { longestPauseMs: 100 },
    ).catch((cause) => {
      throw new Error(`the cluster did not become ready; the server says:\n${server.output()}`, { cause });
    });
  };

  await untilReady();
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    await signalSkiff(machine, "server", signal);
    goOn(server.child);
    return server.ended;
  };
  return {
    machine,
    kubeconfig,
    kubectl: await openKubectl(kubeconfig),
    output: () => server.output(),
    stop,
    launch: () => void (server = startServer()),
    async start() {
      server = startServer();
      await untilReady();
    },
    async [Symbol.asyncDispose]() {
      if (server.child.exitCode === null) await stop();
    },
  };
}

/** Pods may be made: they need their namespace's account. */
async function hasAccount(api: Api): Promise<void> {
  const { status, body } = await api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default");
  if (status !== 200) throw new Error(`the account of pods is not there: ${JSON.stringify(body)}`);
}

async function nodeIsReady(api: Api, { name }: Machine): Promise<void> {
  const { status, body } = await api.request("GET", `/api/v1/nodes/${name}`);
  if (status !== 200 || !isReady(body)) throw new Error(`node ${name} is not Ready: ${JSON.stringify(body)}`);
}

export const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false;

/** A manifest of test/fixtures. */
export function fixture(name: string): string {
  return readFileSync(join(root, "test/fixtures", name), "utf8");
}
