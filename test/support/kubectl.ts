import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cache, fetchPackages, unpackPackages } from "./debian.ts";
import { must, type Ran, type RunOptions, run } from "./run.ts";

/** The path of a kubectl of v1.36, fetched from Debian at the first call; of the one that SKIFF_KUBECTL names where it does. */
export async function kubectlPath(): Promise<string> {
  if (process.env.SKIFF_KUBECTL) return process.env.SKIFF_KUBECTL;
  const root = join(cache, "kubectl");
  const program = join(root, "usr/bin/kubectl");
  if (!existsSync(program))
    await unpackPackages(await fetchPackages(["kubectl"], { release: "sid", closure: false }), root);
  if (!existsSync(program)) throw new Error(`Debian's kubectl package has no /usr/bin/kubectl: ${readdirSync(root)}`);
  return program;
}

/** What makes kubectl talk to containers over one protocol. Versions before 1.29 know only SPDY. */
export function streamsOver(protocol: "SPDY" | "WebSocket"): NodeJS.ProcessEnv {
  const webSocket = String(protocol === "WebSocket");
  return { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSocket, KUBECTL_PORT_FORWARD_WEBSOCKETS: webSocket };
}

export interface Kubectl {
  /** Runs kubectl to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same; an exit code other than 0 is an error. Resolves with the standard output. */
  must(args: readonly string[], options?: RunOptions): Promise<string>;
  /** `get … -o json`, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of an object is written in the test
  json(args: readonly string[]): Promise<any>;
  /** `apply -f -` of a manifest in YAML. */
  apply(manifest: string): Promise<string>;
}

/** kubectl with a kubeconfig; over WebSocket, which older ones do only when told to, or over SPDY where asked for. */
export async function openKubectl(kubeconfig: string, { spdy = false } = {}): Promise<Kubectl> {
  const program = await kubectlPath();
  // By itself it keeps what an API serves by the API's address, which the next test's cluster may have.
  const env = {
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: `${kubeconfig}-cache`,
    ...streamsOver(spdy ? "SPDY" : "WebSocket"),
  };
  const options = (given: RunOptions = {}): RunOptions => ({ ...given, env: { ...env, ...given.env } });
  return {
    run: (args, given) => run(program, args, options(given)),
    must: (args, given) => must(program, args, options(given)),
    json: async (args) => JSON.parse(await must(program, [...args, "-o", "json"], options())),
    apply: (manifest) => must(program, ["apply", "-f", "-"], options({ input: manifest })),
  };
}
