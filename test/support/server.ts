import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Api, openApi } from "./api.ts";
import { skiffProgram } from "./cluster.ts";
import { eventually, Hopeless } from "./eventually.ts";
import { claim } from "./left-overs.ts";
import { start } from "./run.ts";

/** `skiff server --disable-agent` on a loopback port, with a data directory of its own. */
export interface TestServer extends AsyncDisposable {
  readonly directory: string;
  readonly kubeconfig: string;
  readonly port: number;
  readonly pid: number;
  readonly api: Api;
  output(): string;
  /** Ends it by a signal; the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
}

export interface TestServerOptions {
  readonly flags?: readonly string[];
  /** A data directory that is there already, which is then kept. */
  readonly directory?: string;
}

/** Starts a server; resolves when /readyz says ok. */
export async function startServer({ flags = [], directory: given }: TestServerOptions = {}): Promise<TestServer> {
  const directory = given ?? mkdtempSync(join(tmpdir(), "skiff-server-"));
  if (!given) claim(directory);
  const port = await freePort();
  const kubeconfig = join(directory, "kubeconfig");
  const server = start(skiffProgram[0], [
    ...skiffProgram.slice(1),
    "server",
    ...serverFlags(directory, port),
    ...flags,
  ]);
  const api = await eventually(async () => {
    if (server.child.exitCode !== null) {
      await server.ended;
      throw new Hopeless(`skiff server ended:\n${server.output()}`);
    }
    const opened = openApi(kubeconfig);
    const { status } = await opened.request("GET", "/readyz");
    if (status !== 200) throw new Error(`/readyz answers ${status}; the server says:\n${server.output()}`);
    return opened;
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    api[Symbol.dispose]();
    return server.child.exitCode ?? server.stop(signal);
  };
  return {
    directory,
    kubeconfig,
    port,
    pid: server.child.pid ?? 0,
    api,
    output: server.output,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      if (!given) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The flags of a server that touches nothing outside `directory`. */
export function serverFlags(directory: string, port: number): string[] {
  const listen = ["--bind-address", "127.0.0.1", "--https-listen-port", String(port)];
  return [
    "--disable-agent",
    ...listen,
    "--data-dir",
    join(directory, "data"),
    "--write-kubeconfig",
    join(directory, "kubeconfig"),
  ];
}

/** Ports below those that the kernel gives to whoever asks for any (ip(7), `ip_local_port_range`). */
const ports = { first: 20_000, behind: 30_000 };
let next = ports.first + (process.pid % (ports.behind - ports.first));

/**
 * A port of the loopback interface that nobody listens on, and that no other test is given: each holds the name of its port in
 * the kernel's abstract namespace (unix(7)) until its process ends.
 */
export async function freePort(): Promise<number> {
  for (let tried = ports.first; tried < ports.behind; tried++) {
    const port = next;
    next = port + 1 < ports.behind ? port + 1 : ports.first;
    const reserved = await listening(`\0skiff-test-port-${port}`);
    if (!reserved) continue;
    reserved.unref();
    const probe = await listening(port);
    if (!probe) continue;
    await new Promise((closed) => probe.close(closed));
    return port;
  }
  throw new Error(`every port from ${ports.first} to ${ports.behind} is taken`);
}

/** Undefined where another has the place. */
function listening(place: string | number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    const ready = () => resolve(server);
    if (typeof place === "string") server.listen(place, ready);
    else server.listen(place, "127.0.0.1", ready);
  });
}
