import type { Secret } from "../../api/schema/types.ts";
import type { RegistryCredentials } from "../runtime.ts";
import { registryOf } from "./reference.ts";

interface AuthEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}

/** The credentials that pull secrets hold for an image's registry, the most exact match first. */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly RegistryCredentials[] {
  const { registry, path } = registryOf(image);
  const target = `${registry}/${path}`;
  return secrets
    .flatMap(entriesOf)
    .filter(({ address }) => covers(address, target))
    .sort((a, b) => b.address.length - a.address.length)
    .map(({ address, entry }) => ({ ...loginOf(entry), serverAddress: address.split("/")[0] ?? "" }));
}

function entriesOf({ type, data = {} }: Secret): { address: string; entry: AuthEntry }[] {
  const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
  try {
    const auths =
      type === "kubernetes.io/dockercfg"
        ? (JSON.parse(text(".dockercfg")) as Record<string, AuthEntry>)
        : ((JSON.parse(text(".dockerconfigjson")) as { auths?: Record<string, AuthEntry> }).auths ?? {});
    return Object.entries(auths).map(([address, entry]) => ({ address: plainAddress(address), entry }));
  } catch {
    // A secret that cannot be read holds no credentials; the pull itself will say what is missing.
    return [];
  }
}

/** "https://index.docker.io/v1/" is how Docker's own registry is written in such files. */
function plainAddress(address: string): string {
  const plain = address.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");
  return plain === "index.docker.io" || plain === "registry-1.docker.io" ? "docker.io" : plain;
}

/** Whether an address, with `*` for a part of the host name, is the target or a directory above it. */
function covers(address: string, target: string): boolean {
  const [host = "", ...path] = address.split("/");
  const [targetHost = "", ...targetPath] = target.split("/");
  const pattern = host.split(/[.:]/);
  const parts = targetHost.split(/[.:]/);
  const sameHost =
    pattern.length === parts.length && pattern.every((part, index) => part === "*" || part === parts[index]);
  return sameHost && path.every((part, index) => part === targetPath[index]);
}

function loginOf({ username, password, auth }: AuthEntry): { username: string; password: string } {
  if (username !== undefined && password !== undefined) return { username, password };
  const text = Buffer.from(auth ?? "", "base64").toString();
  const colon = text.indexOf(":");
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
