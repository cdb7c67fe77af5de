import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../../src/api/object.ts";
import type { NetworkOptions } from "../../src/network/open.ts";
import { claim, owner } from "./left-overs.ts";

/** What the child process is started with and asked for. */
export type ChildOptions = Omit<NetworkOptions, "informers" | "clock" | "log"> & {
  readonly objects: readonly [plural: string, object: KubeObject][];
};
export interface ChildCall {
  readonly id: number;
  readonly name:
    | "put"
    | "remove"
    | "attach"
    | "detach"
    | "keepOnly"
    | "settled"
    | "annotations"
    | "stop"
    | "removeEverything";
  readonly args: readonly unknown[];
}

/** A network namespace of a test's own, named uniquely and removed with all that runs in it. */
export class Netns implements Disposable {
  readonly name: string;
  readonly #children: ChildProcess[] = [];

  constructor(name: string) {
    this.name = `skt-${name}-${owner}`;
    execFileSync("ip", ["netns", "add", this.name]);
    this.run("ip link set lo up");
  }

  /** Gives commands inside a resolv.conf of their own. */
  resolveBy(text: string): void {
    mkdirSync(this.#etc, { recursive: true });
    writeFileSync(join(this.#etc, "resolv.conf"), text);
  }

  get #etc(): string {
    return `/etc/netns/${this.name}`;
  }

  /** Runs a shell command inside; returns what it printed. @throws when it fails */
  run(command: string): string {
    const args = ["netns", "exec", this.name, "sh", "-c", command, `/tmp/${this.name}`];
    return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  }

  /** The same for a command that may fail: its status and all it printed. */
  try(command: string): { status: number; output: string } {
    try {
      return { status: 0, output: this.run(command) };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
      return { status: status ?? -1, output: `${stdout}${stderr}` };
    }
  }

  /** Starts a process inside that runs until the namespace is disposed of. */
  start(command: string, args: readonly string[], options: { ipc?: boolean } = {}): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this.name, command, ...args], {
      stdio: ["ignore", "ignore", "inherit", ...(options.ipc ? (["ipc"] as const) : [])],
    });
    this.#children.push(child);
    return child;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
    // What those started and left alone (wireguard-go) would keep the namespace alive.
    const left = execFileSync("ip", ["netns", "pids", this.name], { encoding: "utf8" }).split("\n").filter(Boolean);
    for (const pid of left) spawn("kill", ["-9", pid], { stdio: "ignore" });
    execFileSync("ip", ["netns", "del", this.name]);
    rmSync(this.#etc, { recursive: true, force: true });
  }
}

/** A node's network that runs in a process of its own inside a namespace. */
export class NodeNetwork implements Disposable {
  readonly netns: Netns;
  readonly #options: Omit<ChildOptions, "objects">;
  readonly #objects = new Map<string, [plural: string, object: KubeObject]>();
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #child: ChildProcess | undefined;
  #nextId = 1;

  constructor(netns: Netns, options: Omit<ChildOptions, "objects" | "stateDirectory">) {
    this.netns = netns;
    const stateDirectory = mkdtempSync(join(tmpdir(), "skiff-network-"));
    claim(stateDirectory);
    this.#options = { ...options, stateDirectory };
  }

  /** Starts the process; resolves when the network is open. */
  async open(): Promise<void> {
    const options: ChildOptions = { ...this.#options, objects: [...this.#objects.values()] };
    const script = join(import.meta.dirname, "network-child.ts");
    // A folder of its own for wireguard-go, which calls what it opens there after its link.
    const alone = 'mkdir -p /run/wireguard && mount -t tmpfs wireguard /run/wireguard && exec "$@"';
    const args = ["-c", alone, "sh", process.execPath, script, JSON.stringify(options)];
    const child = this.netns.start("sh", args, { ipc: true });
    this.#child = child;
    child.on("message", ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    child.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the network's process ended with ${code}`));
      this.#waiting.clear();
    });
    await new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
  }

  async put(plural: string, object: KubeObject): Promise<void> {
    this.#objects.set(`${plural} ${object.metadata.namespace}/${object.metadata.name}`, [plural, object]);
    if (this.#child) await this.call("put", plural, object);
  }

  async remove(plural: string, key: { namespace?: string; name: string }): Promise<void> {
    this.#objects.delete(`${plural} ${key.namespace}/${key.name}`);
    if (this.#child) await this.call("remove", plural, key);
  }

  call(name: ChildCall["name"], ...args: readonly unknown[]): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.#child) return reject(new Error("the network's process does not run"));
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, args } satisfies ChildCall);
    });
  }

  /** Ends the process as a kill would: nothing is tidied up. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  [Symbol.dispose](): void {
    this.#child?.kill("SIGKILL");
    rmSync(this.#options.stateDirectory, { recursive: true, force: true });
  }
}
