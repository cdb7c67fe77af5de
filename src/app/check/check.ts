import type { ServerConfig } from "../config.ts";

/** What a device is to be: the settings that the checks look at. */
export interface Intended {
  readonly dataDirectory: string;
  /** Where the API listens; absent on an agent. */
  readonly listen?: ServerConfig["listen"];
  /** How an agent is to get into its cluster; absent on a server. */
  readonly join?: { readonly server: string; readonly hasToken: boolean };
  /** Absent where no containers run. */
  readonly agent?:
    | (Pick<ServerConfig["agent"], "runtimeEndpoint"> & {
        /** Unknown to an agent before it has joined. */
        readonly networkBackend?: ServerConfig["networkBackend"];
      })
    | undefined;
}

/** Where a check looks. Tests give another root. */
export interface Device {
  /** The root of the file system: "/" but in tests. */
  readonly root: string;
  readonly nowMs: number;
}

export interface Finding {
  /**
   * ok: nothing to do. warning: skiff works, less well. problem: skiff cannot do its work; the installer refuses, and so does the
   * server where it cannot even start.
   */
  readonly state: "ok" | "warning" | "problem";
  /** What was found, short: "cgroup v2", "0.4 ms". */
  readonly found: string;
  /** One sentence that says what is wrong and what would help; absent when all is well. */
  readonly todo?: string;
}

/** One look at a device: a row of the table of `skiff check`. */
export interface Check {
  readonly name: string;
  /** Takes a while or loads the device: left out where a quick answer is wanted. */
  readonly isSlow?: boolean;
  /** Whether it matters for what the device is to be. */
  concerns(intended: Intended): boolean;
  look(intended: Intended, device: Device): Promise<Finding>;
}

export const ok = (found: string): Finding => ({ state: "ok", found });
export const warning = (found: string, todo: string): Finding => ({ state: "warning", found, todo });
export const problem = (found: string, todo: string): Finding => ({ state: "problem", found, todo });
