import { execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { claim, removeLeftOvers, unmountBelow } from "./left-overs.ts";

const run = promisify(execFile);

/** A Docker daemon of a test's own. */
export interface TestDocker extends AsyncDisposable {
  readonly socket: string;
  readonly directory: string;
  /** Runs the docker command against it; resolves with what it prints. */
  docker(...args: string[]): Promise<string>;
  /** Makes `busybox:1` of this machine's busybox. */
  importBusybox(): Promise<void>;
  /** Stops and starts the daemon; with live-restore the containers go on. */
  restart(): Promise<void>;
}

/**
 * Starts dockerd in directories of its own, without bridge and iptables. Its default runtime leaves out what a machine
 * without CAP_SYS_RESOURCE refuses (privileged containers would not start there) unless `plainRunc` is set.
 */
export async function startDocker({ plainRunc = false } = {}): Promise<TestDocker> {
  await removeLeftOvers();
  const directory = await mkdtemp(join(tmpdir(), "skiff-docker-"));
  claim(directory);
  const socket = join(directory, "docker.sock");
  const runtime = plainRunc ? [] : runtimeFlags(directory);
  let daemon = await startDaemon();

  async function startDaemon() {
    // A pid file left by a daemon that was killed would make this one wait for a containerd that is gone.
    await rm(join(directory, "exec/containerd/containerd.pid"), { force: true });
    const child = spawn(
      "dockerd",
      [
        ...["--data-root", join(directory, "data"), "--exec-root", join(directory, "exec")],
        ...["--pidfile", join(directory, "pid"), "-H", `unix://${socket}`, "--log-level", "error"],
        ...["--bridge=none", "--iptables=false", "--ip6tables=false", "--userland-proxy=false", "--live-restore"],
        ...["--insecure-registry", "127.0.0.0/8", "--max-concurrent-downloads", "3"],
        ...runtime,
      ],
      { stdio: "ignore" },
    );
    const died = new Promise<never>((_, fail) =>
      child.once("exit", (code) => fail(new Error(`dockerd ended with ${code}`))),
    );
    died.catch(() => undefined);
    await Promise.race([died, untilAnswering(socket)]);
    return child;
  }

  async function stopDaemon() {
    const ended = new Promise((done) => daemon.once("exit", done));
    daemon.kill("SIGTERM");
    await ended;
  }

  const docker = async (...args: string[]) =>
    (
      await run("docker", ["--config", directory, "-H", `unix://${socket}`, ...args], { maxBuffer: 64 << 20 })
    ).stdout.trim();

  return {
    socket,
    directory,
    docker,
    async importBusybox() {
      const root = join(directory, "busybox");
      await mkdir(join(root, "bin"), { recursive: true });
      await mkdir(join(root, "etc"));
      await mkdir(join(root, "tmp"));
      await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
      await writeFile(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
      await run("cp", ["/bin/busybox", join(root, "bin/busybox")]);
      await run(join(root, "bin/busybox"), ["--install", "-s", join(root, "bin")]).catch(() => undefined);
      // `--install` links to where the program lies now; in the image that is /bin.
      await run("sh", [
        "-c",
        'cd "$1/bin"; for a in $(./busybox --list); do [ $a = busybox ] || ln -sf busybox $a; done',
        "-",
        root,
      ]);
      await run("tar", ["-C", root, "-cf", join(directory, "busybox.tar"), "."]);
      await docker("import", "-c", 'CMD ["sh"]', join(directory, "busybox.tar"), "busybox:1");
    },
    async restart() {
      await stopDaemon();
      daemon = await startDaemon();
    },
    async [Symbol.asyncDispose]() {
      const left = await docker("ps", "-aq").catch(() => "");
      if (left) await docker("rm", "-f", ...left.split("\n")).catch(() => undefined);
      await stopDaemon();
      await unmountBelow(directory);
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** Flags of dockerd for a runtime that leaves out what a machine without CAP_SYS_RESOURCE refuses; it lies in the directory. */
export function runtimeFlags(directory: string): readonly string[] {
  const wrapper = join(directory, "runc-lite");
  writeFileSync(wrapper, runcLite, { mode: 0o755 });
  return ["--add-runtime", `lite=${wrapper}`, "--default-runtime", "lite"];
}

const runcLite = `#!/bin/sh
p=; for a in "$@"; do case $p in
  --bundle|-b) f=$a/config.json q=.process ;; --process|-p) f=$a q=. ;; *) f= ;; esac
  if [ -n "$f" ] && [ -f "$f" ]; then
    jq -c "$q |= ((.capabilities[]?) |= map(select(. != \\"CAP_SYS_RESOURCE\\")) | del(.oomScoreAdj) | (.rlimits[]?) |= (.soft=([.soft,20000]|min) | .hard=([.hard,20000]|min)))" "$f" > "$f.n" && cat "$f.n" > "$f" && rm "$f.n"
  fi; p=$a; done
exec runc "$@"
`;

async function untilAnswering(socketPath: string): Promise<void> {
  for (;;) {
    const ok = await new Promise<boolean>((done) => {
      request({ socketPath, path: "/_ping" }, (answer) => done(answer.resume().statusCode === 200))
        .on("error", () => done(false))
        .end();
    });
    if (ok) return;
    await sleep(20);
  }
}
