import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { claim } from "./left-overs.ts";
import { must } from "./run.ts";

const root = resolve(import.meta.dirname, "../..");

/** An HTTP server with releases, as install.sh looks for them. */
export interface ReleaseHost extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
  /** Every path that was asked for. */
  readonly asked: string[];
  /** Adds a release whose executable differs in its bytes; `damaged`: what is downloaded is not what was listed. */
  add(version: string, channel: string, options?: { damaged?: boolean }): void;
}

/** Makes a release of dist/skiff and serves it at an address of this host. */
export async function releaseHost(address: string): Promise<ReleaseHost> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-release-"));
  claim(folder);
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    createReadStream(join(folder, new URL(url, "http://host").pathname))
      .on("error", () => response.writeHead(404).end("no such file\n"))
      .pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, address, done));
  const { port } = server.address() as { port: number };
  const url = `http://${address}:${port}`;
  const arguments_ = ["--arch", process.arch, "--quick", "--url", url, "--out", folder];
  await must(process.execPath, [join(root, "scripts/release.ts"), ...arguments_]);
  const version = readFileSync(join(folder, "channels/stable"), "utf8").trim();
  const name = `skiff-${process.arch}`;
  return {
    url,
    version,
    asked,
    add(next, channel, { damaged = false } = {}) {
      mkdirSync(join(folder, next));
      // What is packed may have several parts, one behind the other: only the new one has to be packed.
      const end = Buffer.from(next);
      const ends = { [name]: end, [`${name}.gz`]: gzipSync(end), [`${name}.zst`]: zstdCompressSync(end) };
      const sums = Object.entries(ends).map(([file, packed]) => {
        const bytes = Buffer.concat([readFileSync(join(folder, version, file)), packed]);
        writeFileSync(join(folder, next, file), damaged ? Buffer.concat([bytes, Buffer.from("x")]) : bytes);
        return `${createHash("sha256").update(bytes).digest("hex")}  ${file}\n`;
      });
      writeFileSync(join(folder, next, "sha256sums.txt"), sums.join(""));
      writeFileSync(join(folder, "channels", channel), `${next}\n`);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
