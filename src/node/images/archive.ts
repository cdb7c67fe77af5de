import { createHash } from "node:crypto";
import { pack } from "tar-stream";

export interface ImageContent {
  readonly tags: readonly string[];
  readonly architecture: string;
  /** Path in the image → content; all executable. */
  readonly files: Readonly<Record<string, Buffer>>;
  readonly entrypoint: readonly string[];
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
}

/** An image of one layer as an archive in Docker's format ("docker save"). The same content gives the same bytes. */
export async function imageArchive({
  tags,
  architecture,
  files,
  entrypoint,
  user,
  exposedPorts = [],
}: ImageContent): Promise<Buffer> {
  const layer = await tar(files, 0o755);
  const config = Buffer.from(
    JSON.stringify({
      architecture: architecture === "x64" ? "amd64" : architecture,
      os: "linux",
      created: "1970-01-01T00:00:00Z",
      config: {
        Entrypoint: entrypoint,
        ...(user && { User: user }),
        ...(exposedPorts.length > 0 && { ExposedPorts: Object.fromEntries(exposedPorts.map((port) => [port, {}])) }),
      },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    }),
  );
  const configName = `${sha256(config)}.json`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: tags, Layers: ["layer.tar"] }]));
  return tar({ [configName]: config, "layer.tar": layer, "manifest.json": manifest }, 0o644);
}

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

async function tar(files: Readonly<Record<string, Buffer>>, mode: number): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode, mtime: new Date(0) }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
