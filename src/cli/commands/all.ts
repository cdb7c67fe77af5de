import type { Command } from "../command.ts";
import { check } from "./check.ts";
import { files } from "./files.ts";
import { kubectl } from "./kubectl.ts";
import { licences } from "./licences.ts";
import { ready } from "./ready.ts";
import { server } from "./server.ts";

/** Every command but `help`, in the order in which the help lists them. */
export const commands: readonly Command[] = [server, kubectl, ready, check, files, licences];
