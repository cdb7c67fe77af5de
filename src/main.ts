import { setDefaultAutoSelectFamilyAttemptTimeout } from "node:net";
import { basename } from "node:path";
import { runCli } from "./cli/run.ts";

// Of a name with several addresses Node.js gives up all but the last after a quarter of a second each, for good: too soon for a
// slow link, and for a device that is busy just then.
setDefaultAutoSelectFamilyAttemptTimeout(3_000);

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130); // asked twice: the user does not want to wait
    stop.abort();
  });
}

// Called by the name of kubectl, which the installer gives it where there is none.
const args = process.argv.slice(2);
const isKubectl = basename(process.argv[1] ?? "") === "kubectl";

// Timers and idle connections of skiff's keep no process alive; a command lives until it has its answer.
const alive = setInterval(() => {}, 2 ** 31 - 1);

// No top-level await: the executable's main is a CommonJS script, which has none.
void runCli(isKubectl ? ["kubectl", ...args] : args, {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stop: stop.signal,
  env: process.env,
  onReload: (run) => void process.on("SIGHUP", run),
}).then((code) => {
  clearInterval(alive);
  process.exitCode = code;
});
