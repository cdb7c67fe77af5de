import { createHash } from "node:crypto";
import { readIfThere, writeWhole } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import type { Image, ImageId, RegistryCredentials } from "../runtime.ts";
import { registryOf } from "./reference.ts";

/**
 * With which credentials images were pulled. Who has none of them may not run what they opened, though the node has it
 * (Kubernetes docs, "Images", section "Ensure image pull credential verification"). What was there before anybody pulled it is
 * everybody's.
 */
export interface PullRecords {
  allows(image: Image, name: string, credentials: readonly RegistryCredentials[]): boolean;
  /** `used` is absent when the registry asked for none. */
  note(id: ImageId, name: string, used: RegistryCredentials | undefined): Promise<void>;
}

/** By image and, in it, by its name without tag: anybody, or fingerprints of credentials. */
type Records = Record<ImageId, Record<string, "anybody" | string[]>>;

const imagesAtMost = 1_024;

/** `path`: where they are kept through a restart. */
export async function openPullRecords(path: string, log: Log): Promise<PullRecords> {
  const records = await readRecords(path, log);
  let writing: Promise<unknown> = Promise.resolve();

  const write = () => writeWhole(path, JSON.stringify(records));

  return {
    allows({ id, tags, digests }, name, credentials) {
      const record = records[id];
      if (!record) return true;
      const known = record[plain(name)];
      if (known === undefined) return [...tags, ...digests].some((each) => plain(each) === plain(name));
      return known === "anybody" || credentials.some((each) => known.includes(fingerprint(each)));
    },
    async note(id, name, used) {
      const record = records[id] ?? {};
      const known = record[plain(name)];
      const print = used && fingerprint(used);
      if (known === "anybody" || (print && known?.includes(print))) return;
      records[id] = { ...record, [plain(name)]: print === undefined ? "anybody" : [...(known ?? []), print] };
      const [oldest] = Object.keys(records);
      if (oldest && Object.keys(records).length > imagesAtMost) delete records[oldest];
      const turn = writing.then(write);
      writing = Promise.allSettled([turn]);
      await turn;
    },
  };
}

/** What a damaged file says is of no use, and no reason not to run pods. */
async function readRecords(path: string, log: Log): Promise<Records> {
  const text = await readIfThere(path);
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as Records;
  } catch (error) {
    const sentence = "it cannot be read whose credentials opened which image; those that are here are everybody's now";
    log.warn(sentence, { file: path, error });
    return {};
  }
}

function plain(name: string): string {
  const { registry, path } = registryOf(name);
  return `${registry}/${path}`;
}

/** Tells credentials apart and does not say what they are. */
const fingerprint = ({ username, password, serverAddress }: RegistryCredentials): string =>
  createHash("sha256")
    .update(JSON.stringify([serverAddress, username, password]))
    .digest("hex");
