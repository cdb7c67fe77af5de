import { execFile, type SpawnOptions, spawn } from "node:child_process";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly cwd?: string;
  /** Milliseconds after which the program is killed; a bound against hanging, not an expectation. */
  readonly limitMs?: number;
}

/** Runs a program to its end; resolves with what it printed, whatever its exit code. */
export function run(
  program: string,
  args: readonly string[],
  { env, input, cwd, limitMs = 240_000 }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = {
      env: { ...process.env, ...env },
      cwd,
      timeout: limitMs,
      maxBuffer: 256 << 20,
      killSignal: "SIGKILL" as const,
    };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number" && !error.killed) return reject(error); // the program is not there
      resolve({ code: error ? (typeof error.code === "number" ? error.code : 137) : 0, stdout, stderr });
    });
    child.stdin?.on("error", () => child.stdin?.destroy()); // it ended without reading all: its exit code tells why
    child.stdin?.end(input ?? "");
  });
}

/** The same, but an exit code other than 0 is an error that carries what was printed. */
export async function must(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Starts a program that goes on; its output is collected. */
export function start(program: string, args: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => void (output += text));
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      const done = () => resolve(code ?? (signal === "SIGKILL" ? 137 : 143));
      // All that it said is there then; what it started and left behind may hold its output open for longer.
      child.on("close", done);
      setTimeout(done, 1_000);
    });
  });
  return {
    child,
    ended,
    output: () => output,
    async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
      child.kill(signal);
      return ended;
    },
  };
}
