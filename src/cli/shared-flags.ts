import type { Flag } from "./command.ts";

/** Flags that several commands have, each told once. A command whose flag means a little more spreads it and says so. */
export const sharedFlags = {
  config: {
    name: "config",
    short: "c",
    value: "FILE",
    does: "read flags from this file and from the *.yaml in FILE.d",
    defaultText: "/etc/skiff/config.yaml",
    env: "SKIFF_CONFIG_FILE",
  },
  dataDir: {
    name: "data-dir",
    short: "d",
    value: "DIR",
    does: "where all state lies",
    defaultText: "/var/lib/skiff",
    env: "SKIFF_DATA_DIR",
  },
  token: { name: "token", short: "t", value: "SECRET", does: "secret with which devices join", env: "SKIFF_TOKEN" },
  tokenFile: { name: "token-file", value: "FILE", does: "file that holds the token", env: "SKIFF_TOKEN_FILE" },
  kubeconfig: {
    name: "kubeconfig",
    value: "FILE",
    does: "the cluster that is asked",
    defaultText: "the file that `skiff server` writes",
  },
  snapshotDir: {
    name: "snapshot-dir",
    value: "DIR",
    does: "where copies of the database lie",
    defaultText: "server/db/snapshots in --data-dir",
  },
  debug: { name: "debug", does: "log more", takenUp: "at once", env: "SKIFF_DEBUG" },
} as const satisfies Record<string, Flag>;
