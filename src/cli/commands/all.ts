import type { Command } from "../command.ts";
import { agent } from "./agent.ts";
import { certificate } from "./certificate.ts";
import { check } from "./check.ts";
import { files } from "./files.ts";
import { kubectl } from "./kubectl.ts";
import { licences } from "./licences.ts";
import { node } from "./node.ts";
import { ready } from "./ready.ts";
import { server } from "./server.ts";
import { snapshot } from "./snapshot.ts";
import { stop } from "./stop.ts";
import { token } from "./token.ts";

/** Every command but `help`, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  server,
  agent,
  token,
  certificate,
  snapshot,
  node,
  kubectl,
  ready,
  stop,
  check,
  files,
  licences,
];
