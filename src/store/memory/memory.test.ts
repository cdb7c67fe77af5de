import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import { openStore } from "../open.ts";
import { storeContract } from "../testing/contract.ts";

storeContract("memory", () => openStore({ kind: "memory" }, { clock: systemClock, log: noLog }));
