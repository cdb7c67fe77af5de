import { afterAll, beforeAll } from "vitest";
import { type Cluster, startCluster, writeConfig } from "./cluster.ts";
import { type ImageName, loadImages } from "./images.ts";
import { type Lan, lan, type Machine, type MachineOptions } from "./machine.ts";

export interface Journey {
  readonly cluster: Cluster;
  readonly machine: Machine;
  readonly lan: Lan;
  /** kubectl with its output; an exit code other than 0 is an error. */
  kubectl(...args: string[]): Promise<string>;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of an object is written in the test
  json(...args: string[]): Promise<any>;
  /** `kubectl apply` of objects, all at once. */
  apply(...objects: object[]): Promise<string>;
  /** Resolves when these pods are Ready. */
  ready(...pods: string[]): Promise<string>;
  /** The same kubectl, expected to fail: what it printed as error. */
  fails(...args: string[]): Promise<string>;
  /** Runs a pod of busybox on this node; resolves when it is Ready. */
  runOn(node: string, pod: string, ...command: string[]): Promise<void>;
  /** An HTTP request from the node. */
  get(url: string): Promise<string>;
}

/** Gives a test file one machine with these images and a running cluster; takes them down behind it. */
export function journey(
  name: string,
  images: readonly ImageName[],
  options: MachineOptions & {
    flags?: readonly string[];
    config?: string;
    as?: Partial<Record<ImageName, readonly string[]>>;
  } = {},
): Journey {
  const parts: { lan?: Lan; machine?: Machine; cluster?: Cluster } = {};
  beforeAll(async () => {
    parts.lan = await lan();
    parts.machine = await parts.lan.machine(name, options);
    await loadImages(parts.machine, images, { as: options.as ?? {} });
    if (options.config) await writeConfig(parts.machine, options.config);
    parts.cluster = await startCluster(parts.machine, options.flags);
  });
  afterAll(async () => {
    await parts.cluster?.[Symbol.asyncDispose]();
    await parts.lan?.[Symbol.asyncDispose]();
  });
  const there = <T>(part: T | undefined): T => {
    if (!part) throw new Error("the cluster of this test file is not up");
    return part;
  };
  const ready = (...pods: string[]) => {
    const named = pods.map((pod) => `pod/${pod}`);
    return there(parts.cluster).kubectl.must(["wait", "--for=condition=Ready", ...named, "--timeout=150s"]);
  };
  return {
    get cluster() {
      return there(parts.cluster);
    },
    get machine() {
      return there(parts.machine);
    },
    get lan() {
      return there(parts.lan);
    },
    kubectl: (...args) => there(parts.cluster).kubectl.must(args),
    json: (...args) => there(parts.cluster).kubectl.json(args),
    apply: (...items) => {
      const list = { apiVersion: "v1", kind: "List", items };
      return there(parts.cluster).kubectl.apply(JSON.stringify(list));
    },
    ready,
    async fails(...args) {
      const { code, stdout, stderr } = await there(parts.cluster).kubectl.run(args);
      if (code === 0) throw new Error(`kubectl ${args.join(" ")} was expected to fail, and printed:\n${stdout}`);
      return stderr;
    },
    async runOn(node, pod, ...command) {
      const overrides = JSON.stringify({ spec: { nodeName: node, terminationGracePeriodSeconds: 1 } });
      const { kubectl } = there(parts.cluster);
      await kubectl.must(["run", pod, "--image=busybox:1", `--overrides=${overrides}`, "--", ...command]);
      await ready(pod);
    },
    get: (url) => there(parts.machine).must("curl", ["-sS", "--max-time", "15", url]),
  };
}
