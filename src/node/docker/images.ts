import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { withTag } from "../images/reference.ts";
import { type Image, type ImageId, ImagePullError, type RegistryCredentials } from "../runtime.ts";
import { dockerError, isNotFound } from "./errors.ts";

/** Pulls an image; resolves with its id. */
export async function pullImage(
  docker: Docker,
  image: string,
  credentials: RegistryCredentials | undefined,
  signal: AbortSignal,
): Promise<ImageId> {
  // Docker pulls every tag when none is named.
  const reference = withTag(image);
  try {
    const stream = (await docker.pull(reference, {
      abortSignal: signal,
      ...(credentials && {
        authconfig: {
          username: credentials.username,
          password: credentials.password,
          serveraddress: credentials.serverAddress,
        },
      }),
    })) as Readable;
    await finished(docker, stream);
    return (await docker.getImage(reference).inspect()).Id;
  } catch (error) {
    throw new ImagePullError(dockerError(error).message, { cause: error });
  }
}

export async function imageStatus(docker: Docker, image: string): Promise<Image | undefined> {
  try {
    const info = await docker.getImage(image).inspect();
    return {
      id: info.Id,
      tags: info.RepoTags ?? [],
      digests: info.RepoDigests ?? [],
      sizeBytes: info.Size,
      user: info.Config?.User ?? "",
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw dockerError(error);
  }
}

export async function listImages(docker: Docker): Promise<Image[]> {
  const images = await docker.listImages();
  return images.map(({ Id, RepoTags, RepoDigests, Size }) => ({
    id: Id,
    tags: (RepoTags ?? []).filter(isNamed),
    digests: (RepoDigests ?? []).filter(isNamed),
    sizeBytes: Size,
    user: "",
  }));
}

/** Loads an archive; Docker reports what is wrong with it inside the stream of an otherwise successful answer. */
export async function loadImage(docker: Docker, archive: Readable): Promise<void> {
  try {
    await finished(docker, (await docker.loadImage(archive, {})) as Readable);
  } catch (error) {
    throw dockerError(error);
  }
}

/** Docker gives out the files of containers only: one is made, which never runs. */
export async function unpackImage(
  docker: Docker,
  { image, directory }: { image: string; directory: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    // An image that is made to be mounted names no command.
    const container = await docker.createContainer({ Image: image, Cmd: ["-"] });
    try {
      const files = (await container.export()) as Readable;
      const tar = spawn("tar", ["-x", "-C", directory, "--exclude=.dockerenv"], {
        stdio: ["pipe", "ignore", "pipe"],
        signal,
      });
      const [complaint, [code]] = await Promise.all([
        text(tar.stderr),
        once(tar, "close") as Promise<[number]>,
        pipeline(files, tar.stdin, { signal }),
      ]);
      if (code !== 0) throw new Error(`tar: ${complaint.trim()}`);
    } finally {
      await container.remove({ force: true });
    }
  } catch (error) {
    throw dockerError(error);
  }
}

function finished(docker: Docker, stream: Readable): Promise<void> {
  return new Promise((done, fail) => {
    docker.modem.followProgress(stream, (error) => (error ? fail(error) : done()));
  });
}

const isNamed = (reference: string): boolean => !reference.startsWith("<none>");
