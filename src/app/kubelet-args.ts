import { durationMs } from "../api/duration.ts";
import { type Thresholds, thresholdsFrom } from "../node/eviction-thresholds.ts";
import { ArgRefused } from "./component-args.ts";
import { type GivenTaint, labelFrom, labelsOf, taintFrom } from "./labels-and-taints.ts";

/** What the node is told in the words of kubelet. */
export interface KubeletSettings {
  readonly maxPods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly GivenTaint[];
  /** Whether the node waits for a cloud-controller-manager to say what it is. */
  readonly externalCloud?: boolean;
  /** What the cloud calls this machine. */
  readonly providerId?: string;
  /** The node's own resolvers. */
  readonly resolvConf?: string;
  /** What of the machine is not for pods: "cpu", "memory" and "ephemeral-storage" as quantities. */
  readonly reserved?: readonly Readonly<Record<string, string>>[];
  /** Where CSI drivers and the node meet. */
  readonly rootDirectory?: string;
  /** Of what how little must be left for pods to be evicted. */
  readonly evictionHard?: Thresholds;
  /** How long a node counts as short of something after it no longer is. */
  readonly pressureStaysMs?: number;
}

type Read = (text: string) => KubeletSettings;

const reserved: Read = (text) => ({ reserved: [pairs(text, ["cpu", "memory", "ephemeral-storage", "pid"])] });

/** Settings that have an effect; then those that hold anyway. */
const settings: Readonly<Record<string, Read>> = {
  "max-pods": (text) => ({ maxPods: count(text, 1) }),
  "node-labels": (text) => ({ labels: labelsOf(text.split(",").map(labelFrom)) }),
  "register-with-taints": (text) => ({ taints: text.split(",").map(taintFrom) }),
  "resolv-conf": (text) => ({ resolvConf: path(text) }),
  "root-dir": (text) => ({ rootDirectory: path(text) }),
  "cloud-provider": (text) => externalCloud(text),
  "provider-id": (text) => ({ providerId: text }),
  "kube-reserved": reserved,
  "system-reserved": reserved,
  "eviction-hard": (text) => ({ evictionHard: thresholds(text) }),
  "eviction-pressure-transition-period": (text) => ({ pressureStaysMs: duration(text) }),
  v: (text) => held(/^\d+$/.test(text), "a level, such as 2; use --debug for more messages"),
  "fail-swap-on": (text) => held(text === "false", "false: pods run on machines with swap"),
  "rotate-certificates": (text) => held(text === "true", "true: certificates renew themselves"),
};

/** Reads "NAME=VALUE". @throws {ArgRefused} with what would be right */
export function kubeletSettingFrom(arg: string): KubeletSettings {
  const [, name = "", text = "true"] = /^(?:--)?([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
  const read = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (!read)
    throw new ArgRefused(
      `skiff has no setting ${JSON.stringify(name)}: it has ${Object.keys(settings).sort().join(", ")}`,
    );
  return read(text);
}

/** Several, later ones over earlier ones; labels, taints and reservations add up. */
export function kubeletSettings(args: readonly KubeletSettings[]): KubeletSettings {
  return {
    ...Object.assign({}, ...args),
    labels: Object.assign({}, ...args.map(({ labels }) => labels)),
    taints: args.flatMap(({ taints = [] }) => taints),
    reserved: args.flatMap(({ reserved = [] }) => reserved),
  };
}

function externalCloud(text: string): KubeletSettings {
  if (text !== "" && text !== "external")
    throw new ArgRefused("expected external, or nothing: there are no other cloud providers inside");
  return { externalCloud: text === "external" };
}

function held(isSo: boolean, right: string): KubeletSettings {
  if (!isSo) throw new ArgRefused(`expected ${right}`);
  return {};
}

function count(text: string, least: number): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < least)
    throw new ArgRefused(`expected a whole number, ${least} or more`);
  return Number(text);
}

function thresholds(text: string): Thresholds {
  const read = thresholdsFrom(text);
  if (!read) throw new ArgRefused("expected memory.available<100Mi,nodefs.available<5%, or some of kubelet's signals");
  return read;
}

function duration(text: string): number {
  const read = durationMs(text);
  if (read === undefined) throw new ArgRefused("expected a duration, such as 5m or 30s");
  return read;
}

function path(text: string): string {
  if (!text.startsWith("/"))
    throw new ArgRefused("expected an absolute path, such as /run/systemd/resolve/resolv.conf or /var/lib/kubelet");
  return text;
}

function pairs(text: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [key = "", value, ...rest] = pair.split("=");
      if (!key || value === undefined || rest.length > 0 || !names.includes(key))
        throw new ArgRefused(`expected ${names[0]}=100m,${names[1]}=128Mi`);
      return [key, value];
    }),
  );
}
