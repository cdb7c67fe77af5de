import { allVerbs, defineKind, type Kind } from "../api/kind.ts";
import type { DiscoveredResource } from "../api/request.ts";
import type { APIService } from "../api/schema/types.ts";
import { StatusError } from "../api/status.ts";
import type { Client } from "../client/client.ts";
import { conditionOf } from "./conditions.ts";

/** What servers behind the API server have. */
export interface ExtensionKinds {
  /** Each kind once, in the version that its group prefers. */
  readonly kinds: readonly Kind[];
  /** Groups and versions ("example.com/v1") of servers that do not say what they have. */
  readonly silent: readonly string[];
}

/** Asks extension servers what they have; anew each time, because it may change. */
export async function extensionKinds(client: Client, services: readonly APIService[]): Promise<ExtensionKinds> {
  const kinds = new Map<string, Kind>();
  const silent: string[] = [];
  for (const service of services.filter(({ spec }) => spec?.service).toSorted(byVersionPriority)) {
    const { group = "", version = "" } = service.spec ?? {};
    const found = await resourcesOf(client, service);
    if (!found) silent.push(`${group}/${version}`);
    for (const { name, kind, namespaced, verbs = [] } of found ?? []) {
      const key = `${name}.${group}`;
      if (kinds.has(key)) continue;
      const scope = namespaced ? "Namespaced" : "Cluster";
      const known = allVerbs.filter((verb) => verbs.includes(verb));
      kinds.set(key, defineKind({ group, version, kind, plural: name, scope, verbs: known }));
    }
  }
  return { kinds: [...kinds.values()], silent };
}

/** Undefined where the server does not answer. */
async function resourcesOf(
  client: Client,
  { spec, status }: APIService,
): Promise<readonly DiscoveredResource[] | undefined> {
  if (conditionOf(status?.conditions, "Available")?.status !== "True") return undefined;
  try {
    return await client.transport.discover(spec?.group ?? "", spec?.version ?? "");
  } catch (error) {
    // It went silent since its condition was written.
    if (error instanceof StatusError) return undefined;
    throw error;
  }
}

function byVersionPriority({ spec: a }: APIService, { spec: b }: APIService): number {
  return (b?.versionPriority ?? 0) - (a?.versionPriority ?? 0);
}
