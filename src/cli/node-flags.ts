import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentConfig, ShutdownGrace } from "../app/config.ts";
import { kubeletSettingFrom, kubeletSettings } from "../app/kubelet-args.ts";
import { labelFrom, labelsOf, taintFrom } from "../app/labels-and-taints.ts";
import { messageOf } from "../base/log.ts";
import { type Flag, UsageError } from "./command.ts";
import type { Values } from "./values.ts";

/** Flags about this machine's node, the same for `server` and `agent`. */
export const nodeFlags: readonly Flag[] = [
  {
    name: "node-name",
    value: "NAME",
    does: "name of this machine's node",
    defaultText: "the host name",
    env: "SKIFF_NODE_NAME",
  },
  { name: "with-node-id", does: "put a number of this device's own behind the name: for devices of the same name" },
  {
    name: "node-ip",
    value: "IP",
    repeatable: true,
    does: "address of this machine's node; one of each family for both",
    defaultText: "that of the interface with the default route",
  },
  {
    name: "node-external-ip",
    takenUp: "at once",
    value: "IP",
    repeatable: true,
    does: "address at which the node is reached from outside, as the Node object shows it",
  },
  {
    name: "node-label",
    takenUp: "at once",
    value: "KEY=VALUE",
    repeatable: true,
    does: "label of the node; what people change of it stays until the flag says something else",
  },
  {
    name: "node-taint",
    takenUp: "when the node registers",
    value: "KEY=VALUE:EFFECT",
    repeatable: true,
    does: "taint of the node, set when it registers and never after",
  },
  {
    name: "kubelet-arg",
    value: "NAME=VALUE",
    repeatable: true,
    keepsCommas: true,
    does: "setting of the node, as kubelet names it",
  },
  {
    name: "container-runtime-endpoint",
    value: "SOCKET",
    does: "where Docker listens",
    defaultText: "unix:///var/run/docker.sock",
  },
  {
    name: "shutdown-grace-period",
    takenUp: "at once",
    value: "DURATION",
    does: "when the machine goes down: how long its pods together may take to end, as kubelet's setting of this name; less than two minutes",
    defaultText: "0s: they are left to Docker, and run again after the start",
  },
  {
    name: "shutdown-grace-period-critical-pods",
    takenUp: "at once",
    value: "DURATION",
    does: "the part of it that is kept for critical pods, which end last",
    defaultText: "0s",
  },
];

/** @throws {UsageError} for a value that cannot be right */
export function agentConfigFrom(
  values: Values,
  { machineName, dataDirectory }: { machineName: string; dataDirectory: string },
): AgentConfig {
  const nodeIps = values.ips("node-ip");
  if (nodeIps.length > 2 || (nodeIps.length === 2 && nodeIps[0]?.includes(":") === nodeIps[1]?.includes(":")))
    throw values.wrong("node-ip", nodeIps.join(","), "give one address, or one for IPv4 and one for IPv6");
  return {
    nodeName: nodeNameFrom(values, machineName, dataDirectory),
    nodeIps,
    nodeExternalIps: values.ips("node-external-ip"),
    nodeLabels: labelsOf(values.each("node-label", labelFrom)),
    nodeTaints: values.each("node-taint", taintFrom),
    kubelet: kubeletSettings(values.each("kubelet-arg", kubeletSettingFrom)),
    runtimeEndpoint: socketFrom(values),
    shutdownGrace: shutdownGraceFrom(values),
  };
}

/** As long as systemd gives skiff to stop, less what skiff itself needs. */
const mostShutdownSeconds = 110;

function shutdownGraceFrom(values: Values): ShutdownGrace {
  const seconds = values.seconds("shutdown-grace-period", 0);
  const criticalSeconds = values.seconds("shutdown-grace-period-critical-pods", 0);
  if (seconds > mostShutdownSeconds)
    throw values.wrong(
      "shutdown-grace-period",
      `${seconds}s`,
      `systemd gives skiff two minutes to stop: at most ${mostShutdownSeconds}s`,
    );
  if (criticalSeconds > seconds)
    throw values.wrong(
      "shutdown-grace-period-critical-pods",
      `${criticalSeconds}s`,
      "it is a part of --shutdown-grace-period, so at most as long",
    );
  return { seconds, criticalSeconds };
}

/** What a flag says, or the file that its sister NAME-file names. */
export function textOrFile(values: Values, name: "token" | "agent-token"): string | undefined {
  const file = values.text(`${name}-file`);
  if (file === undefined) return values.text(name);
  if (values.text(name) !== undefined)
    throw new UsageError(`--${name} and --${name}-file are both given: leave one of them out`);
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UsageError(`--${name}-file ${file}: it cannot be read: ${messageOf(error)}`);
  }
}

/** Kubernetes docs, "Object Names and IDs", section "DNS Subdomain Names": what a node may be called. */
function nodeNameFrom(values: Values, machineName: string, dataDirectory: string): string {
  const given = (values.text("node-name") ?? machineName).toLowerCase();
  const name = values.isOn("with-node-id") ? `${given}-${nodeId(dataDirectory)}` : given;
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) || name.length > 253) {
    throw values.wrong(
      "node-name",
      name,
      "a node's name consists of lower case letters, digits, '-' and '.', and begins and ends with a letter or digit",
    );
  }
  return name;
}

/** Made once, kept with the data: the same device keeps its name. */
function nodeId(dataDirectory: string): string {
  const file = join(dataDirectory, "agent", "node-id");
  try {
    const kept = readFileSync(file, "utf8").trim();
    if (/^[0-9a-f]{8}$/.test(kept)) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new UsageError(`--with-node-id: ${file} cannot be read: ${messageOf(error)}`);
  }
  const made = randomBytes(4).toString("hex");
  mkdirSync(join(dataDirectory, "agent"), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${made}\n`, { mode: 0o600 });
  return made;
}

function socketFrom(values: Values): string {
  const endpoint = values.text("container-runtime-endpoint") ?? "unix:///var/run/docker.sock";
  const path = endpoint.replace(/^unix:\/\//, "");
  if (!path.startsWith("/"))
    throw values.wrong(
      "container-runtime-endpoint",
      endpoint,
      `a socket is named by its path, such as unix://${join("/var/run", "docker.sock")}`,
    );
  return path;
}
