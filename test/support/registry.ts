import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestDocker } from "./docker.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./server.ts";

const run = promisify(execFile);

/** A registry that asks for a password, on loopback, with `team/app:1` (busybox) in it and nowhere else. */
export interface TestRegistry extends AsyncDisposable {
  readonly address: string;
}

/** Debian's docker-registry with a password file. */
export async function startRegistry(
  daemon: TestDocker,
  { user, password }: { user: string; password: string },
): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "skiff-registry-"));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const hash = (await run("python3", ["-W", "ignore", "-c", hashScript, password])).stdout.trim();
  await writeFile(join(directory, "users"), `${user}:${hash}\n`);
  await writeFile(
    join(directory, "config.yml"),
    JSON.stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(directory, "data") } },
      http: { addr: address },
      auth: { htpasswd: { realm: "test", path: join(directory, "users") } },
    }),
  );
  const server = spawn("docker-registry", ["serve", join(directory, "config.yml")], { stdio: "ignore" });
  await eventually(async () => {
    if ((await fetch(`http://${address}/v2/`)).status !== 401) throw new Error("the registry does not answer yet");
  });
  const image = `${address}/team/app:1`;
  await daemon.docker("login", "-u", user, "-p", password, address);
  await daemon.docker("tag", "busybox:1", image);
  await daemon.docker("push", image);
  await daemon.docker("rmi", image);
  await daemon.docker("logout", address);
  return {
    address,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((done) => server.once("exit", done));
      server.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const hashScript =
  "import crypt,sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH)).replace('$2b$', '$2y$'))";
