import { StatusError } from "../../api/status.ts";
import { timestamp } from "../registry/metadata.ts";
import type { Exchange } from "./exchange.ts";

export interface AboutServer {
  readonly startedMs: number;
  readonly version: Readonly<Record<string, string>>;
  /** Settings that hold, under the names of kube-apiserver's flags. */
  readonly flags: Readonly<Record<string, string>>;
  /** All paths that are served. */
  readonly paths: () => readonly string[];
}

const component = "kube-apiserver";
const apiGroup = "config.k8s.io";
const apiVersions = ["v1beta1", "v1alpha1"];

/** /statusz and /flagz (Kubernetes docs, "Kubernetes z-pages"): for people as text, for programs as an object. */
export function zpages({ startedMs, version, flags, paths }: AboutServer) {
  const emulated = `${version.emulationMajor}.${version.emulationMinor}`;
  const binary = (version.gitVersion ?? "").replace(/^v/, "");
  const served = (): string[] => [...new Set(paths().map((path) => `/${path.split("/")[1]}`))].sort();

  return {
    statusz(exchange: Exchange, nowMs: number): Promise<void> | void {
      const upSeconds = Math.floor((nowMs - startedMs) / 1000);
      return answer(exchange, "Statusz", {
        text: [
          ["Started", new Date(startedMs).toUTCString()],
          ["Up", uptimeText(upSeconds)],
          ["Go version", version.goVersion || "none"],
          ["Binary version", binary],
          ["Emulation version", emulated],
          ["Paths", served().join(" ")],
        ]
          .map(([name, value]) => `${name}: ${value}\n`)
          .join(""),
        object: () => ({
          startTime: timestamp(startedMs),
          uptimeSeconds: upSeconds,
          goVersion: version.goVersion ?? "",
          binaryVersion: binary,
          emulationVersion: emulated,
          paths: served(),
        }),
      });
    },

    flagz(exchange: Exchange): Promise<void> | void {
      const sorted = Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1));
      return answer(exchange, "Flagz", {
        text: sorted.map(([name, value]) => `${name}=${value}\n`).join(""),
        object: () => ({ flags: Object.fromEntries(sorted) }),
      });
    },
  };
}

function answer(
  exchange: Exchange,
  kind: "Statusz" | "Flagz",
  { text, object }: { readonly text: string; readonly object: () => object },
): Promise<void> | void {
  const wanted = wantedForm(exchange.header("accept"), kind);
  if (wanted === undefined) {
    const accepted = [
      "text/plain",
      ...apiVersions.map((each) => `application/json;as=${kind};g=${apiGroup};v=${each}`),
    ];
    const message = `only the following media types are accepted: ${accepted.join(", ")}`;
    return exchange.sendError(new StatusError("NotAcceptable", message));
  }
  if (wanted === "text") {
    const warning =
      "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";
    return exchange.sendText(200, `\n${component} ${kind.toLowerCase()}\n${warning}\n\n${text}`);
  }
  const whole = { kind, apiVersion: `${apiGroup}/${wanted}`, metadata: { name: component }, ...object() };
  exchange.sendText(200, `${JSON.stringify(whole)}\n`, "application/json");
}

/** Text, or the version of the object: the first of the client's wishes that is served. */
function wantedForm(accept: string | undefined, kind: string): string | undefined {
  if (!accept) return "text";
  for (const clause of accept.split(",")) {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim());
    if (["text/plain", "text/*", "*/*"].includes(type)) return "text";
    const asked = Object.fromEntries(parameters.map((parameter) => parameter.split("=", 2)));
    const isOurs = type === "application/json" && asked.g === apiGroup && asked.as === kind;
    if (isOurs && apiVersions.includes(asked.v)) return asked.v;
  }
  return undefined;
}

function uptimeText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
}
