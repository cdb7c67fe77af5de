import type { Node } from "../../src/api/schema/types.ts";
import { type Cluster, isReady, signalSkiff, skiffProgram, writeConfig } from "./cluster.ts";
import { eventually, Hopeless } from "./eventually.ts";
import { goOn, type Machine } from "./machine.ts";

/** `skiff agent` on a machine. */
export interface Agent extends AsyncDisposable {
  readonly machine: Machine;
  output(): string;
  /** Ends it by a signal and waits for its end; the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  /** Starts it again; does not wait for anything. */
  start(): void;
  /** Resolves with the exit code when it ends by itself. */
  readonly ended: Promise<number>;
}

/** The server's node token, as its administrator would copy it. */
export async function nodeTokenOf({ machine }: Cluster): Promise<string> {
  return (await machine.must("cat", ["/var/lib/skiff/server/node-token"])).trim();
}

export interface AgentOptions {
  readonly token?: string;
  readonly flags?: readonly string[];
  /** Its address; "configured": the usual one, said in the machine's config file. */
  readonly server?: string;
  /** Another skiff than the one that is tested. */
  readonly program?: readonly string[];
  /** A program in front of skiff, such as faketime. */
  readonly wrapper?: readonly string[];
}

/** Starts `skiff agent` on a machine; does not wait for anything. */
export async function startAgent(machine: Machine, cluster: Cluster, options: AgentOptions = {}): Promise<Agent> {
  const token = options.token ?? (await nodeTokenOf(cluster));
  const usual = `https://${cluster.machine.address}:6443`;
  if (options.server === "configured") await writeConfig(machine, JSON.stringify({ server: usual }));
  const [program = "", ...args] = [
    ...(options.wrapper ?? []),
    ...(options.program ?? skiffProgram),
    "agent",
    ...(options.server === "configured" ? [] : ["--server", options.server ?? usual]),
    "--token",
    token,
    ...(options.flags ?? []),
  ];
  let agent = machine.start(program, args);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    await signalSkiff(machine, "agent", signal);
    goOn(agent.child);
    return agent.ended;
  };
  return {
    machine,
    output: () => agent.output(),
    stop,
    start: () => void (agent = machine.start(program, args)),
    get ended() {
      return agent.ended;
    },
    async [Symbol.asyncDispose]() {
      if (agent.child.exitCode === null) await stop("SIGKILL");
    },
  };
}

/** Flags by which one machine plays another device: a name and a data directory (thus a key) of its own. */
export const asDevice = (nodeName: string, directory = nodeName): string[] => [
  "--data-dir",
  `/run/${directory}`,
  "--node-name",
  nodeName,
];

/** Starts an agent that is expected to end by itself, refused: what it printed. */
export async function refusedAgent(machine: Machine, cluster: Cluster, options: AgentOptions): Promise<string> {
  const agent = await startAgent(machine, cluster, options);
  const code = await agent.ended;
  if (code !== 1) throw new Error(`the agent was expected to be refused; it ended with ${code}:\n${agent.output()}`);
  return agent.output();
}

/** Starts an agent; resolves when its node is Ready. */
export async function joinCluster(machine: Machine, cluster: Cluster, options: AgentOptions = {}): Promise<Agent> {
  const agent = await startAgent(machine, cluster, options);
  await untilReady(cluster, undefined, agent);
  return agent;
}

/** Resolves when the API shows the node as Ready: the one of this name, or that of which the agent says so. */
export async function untilReady(cluster: Cluster, nodeName: string | undefined, agent?: Agent): Promise<void> {
  let exitCode: number | undefined;
  void agent?.ended.then((code) => {
    exitCode = code;
  });
  await eventually(async () => {
    if (exitCode !== undefined) throw new Hopeless(`skiff agent ended with ${exitCode}`);
    const said = /^node (\S+) is Ready/m.exec(agent?.output() ?? "")?.[1];
    if (agent && (said === undefined || said !== (nodeName ?? said))) throw new Error("it has not said so");
    const node: Node = await cluster.kubectl.json(["get", "node", nodeName ?? said ?? ""]);
    if (!isReady(node)) throw new Error(`not Ready: ${JSON.stringify(node.status)}`);
  }).catch((cause) => {
    throw new Error(`node ${nodeName ?? ""} did not become Ready; the agent says:\n${agent?.output()}`, { cause });
  });
}
