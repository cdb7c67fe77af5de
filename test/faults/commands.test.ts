import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { must, run } from "../support/run.ts";
import { freePort, serverFlags, startServer } from "../support/server.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skiff-commands-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const skiff = (args: readonly string[], prefix: readonly string[] = []) => {
  const [program = "", ...rest] = [...prefix, ...skiffProgram, ...args];
  return run(program, rest, { env: { SKIFF_CONFIG_FILE: "/dev/null" } });
};
/** The one line that a failed start prints as its reason. */
const refusal = async (args: readonly string[], prefix: readonly string[] = []) => {
  const { code, stderr } = await skiff(args, prefix);
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("skiff: "));
  expect([code > 0, lines.length], stderr).toEqual([true, 1]);
  expect(stderr).not.toMatch(/\n\s+at /);
  return lines[0];
};

describe("a server that cannot start says in one sentence why, and what would help", () => {
  test("a port in use", async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const { port } = other.address() as { port: number };
    expect(await refusal(["server", ...serverFlags(directory, port)])).toBe(
      `skiff: 127.0.0.1:${port} is in use by another program: stop it, or choose another port with --https-listen-port`,
    );
    await new Promise((done) => other.close(done));
  });

  /** The refusal of a server that is to use the Docker at this socket. */
  const refusalWithDocker = async (socket: string) => {
    const flags = serverFlags(directory, await freePort()).filter((flag) => flag !== "--disable-agent");
    return refusal(["server", ...flags, "--container-runtime-endpoint", socket]);
  };

  test("no Docker", async () => {
    const socket = join(directory, "no-docker.sock");
    expect(await refusalWithDocker(socket)).toMatch(
      new RegExp(`^skiff: there is no Docker at ${socket}: install Docker Engine .* start it, or name its socket$`),
    );
  });

  test("a Docker that is too old", async () => {
    const socket = join(directory, "docker.sock");
    const version = JSON.stringify({ Version: "19.03.15", ApiVersion: "1.40", MinAPIVersion: "1.12" });
    const docker = createHttpServer((_, response) => response.end(version));
    await new Promise<void>((done) => docker.listen(socket, done));
    expect(await refusalWithDocker(socket)).toMatch(
      new RegExp(
        `^skiff: Docker 19.03.15 at ${socket} is too old: skiff needs Docker Engine 20.10 or later .*; upgrade`,
      ),
    );
    docker.closeAllConnections();
    await new Promise((done) => docker.close(done));
  });

  test("no root, but an agent wanted", async () => {
    chmodSync(directory, 0o777);
    const flags = ["--data-dir", join(directory, "data"), "--write-kubeconfig", join(directory, "k")];
    expect(
      await refusal(["server", ...flags], ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]),
    ).toContain("needs root to run containers: use sudo, or --disable-agent");
  });

  test("a data directory that is a file", async () => {
    writeFileSync(join(directory, "data"), "");
    expect(await refusal(["server", ...serverFlags(directory, await freePort())])).toMatch(
      new RegExp(`^skiff: ${directory}/data/.* cannot be made: something on the way is a file; choose another place`),
    );
  });

  test("a data directory that another server uses", async () => {
    await using first = await startServer();
    expect(await refusal(["server", ...serverFlags(first.directory, await freePort())])).toMatch(
      /^skiff: .* in use by another .*: only one skiff server may run on a data directory$/,
    );
  });

  test("a database of a newer version, and one that is damaged", async () => {
    const server = await startServer({ directory });
    await server.stop();
    const database = join(directory, "data/server/db/state.db");
    const flags = serverFlags(directory, await freePort());
    const bytes = readFileSync(database);
    bytes.writeUInt32BE(999, 60); // the file format's place for an application's version
    writeFileSync(database, bytes);
    expect(await refusal(["server", ...flags])).toMatch(
      new RegExp(`^skiff: ${database} is of format 999, .*use the version of skiff that wrote it, or a later one$`),
    );
    writeFileSync(database, Buffer.alloc(64 * 1024, "no database "));
    expect(await refusal(["server", ...flags])).toMatch(
      new RegExp(`^skiff: ${database} .*move ${database} .* away and put a good copy in its place$`),
    );
  });

  test("a config file with an unknown key", async () => {
    const file = join(directory, "config.yaml");
    writeFileSync(file, "data-dri: /d\n");
    expect(await refusal(["server", "--config", file])).toBe(
      `skiff: ${file}: unknown key "data-dri", did you mean "data-dir"?`,
    );
  });

  test("a full disk", async () => {
    const [disk, mount] = [join(directory, "disk"), join(directory, "mount")];
    mkdirSync(mount);
    await must("sh", [
      "-c",
      `truncate -s 1M ${disk} && mkfs.ext4 -q -F ${disk} && mount -o loop ${disk} ${mount} && dd if=/dev/zero of=${mount}/fill bs=1k 2>/dev/null; true`,
    ]);
    try {
      const flags = serverFlags(directory, await freePort()).map((flag) =>
        flag.replace(join(directory, "data"), join(mount, "data")),
      );
      expect(await refusal(["server", ...flags])).toMatch(
        /^skiff: the disk of .* is full: make room, or choose another place/,
      );
    } finally {
      await eventually(() => must("umount", [mount]));
    }
  });
});

test("a disk that fills up while the server runs: writes are refused clearly, reads go on, and writes work again when there is room", async () => {
  const [disk, mount] = [join(directory, "disk"), join(directory, "mount")];
  mkdirSync(mount);
  await must("sh", ["-c", `truncate -s 24M ${disk} && mkfs.ext4 -q -F ${disk} && mount -o loop ${disk} ${mount}`]);
  try {
    await using server = await startServer({ directory: mount });
    const write = (name: string) =>
      server.api.request("POST", "/api/v1/namespaces/default/configmaps", {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name },
        data: { a: "x".repeat(100_000) },
      });
    expect((await write("first")).status).toBe(201);
    await run("dd", ["if=/dev/zero", `of=${mount}/fill`, "bs=1k"]);
    let refused = { status: 201, body: {} as { message?: string } };
    const kept: string[] = [];
    for (let n = 0; refused.status === 201 && n < 200; n++) {
      refused = await write(`more-${n}`);
      if (refused.status === 201) kept.push(`more-${n}`);
    }
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(refused.body.message).toMatch(/full|space/);
    for (const name of ["first", ...kept])
      expect((await server.api.request("GET", `/api/v1/namespaces/default/configmaps/${name}`)).status).toBe(200);
    await must("rm", [join(mount, "fill")]);
    // What the server itself was writing while the disk was full is refused together with what waits behind it.
    await eventually(async () => expect((await write("afterwards")).status).toBe(201));
  } finally {
    await eventually(() => must("umount", [mount]));
  }
});
