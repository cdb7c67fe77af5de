import { allVerbs, defineKind, type Kind } from "../api/kind.ts";
import type { APIService } from "../api/schema/types.ts";
import type { Client } from "../client/client.ts";
import { conditionOf } from "./conditions.ts";

/** The APIs that servers behind the API server serve: those that answer, and those that do not. */
export interface ExtensionServices {
  readonly answering: readonly APIService[];
  readonly silent: readonly APIService[];
}

export function extensionServices(services: readonly APIService[]): ExtensionServices {
  const extensions = services.filter(({ spec }) => spec?.service);
  const answers = ({ status }: APIService): boolean => conditionOf(status?.conditions, "Available")?.status === "True";
  return { answering: extensions.filter(answers), silent: extensions.filter((service) => !answers(service)) };
}

/** What extension servers have, each kind once, in the version that its group prefers. Asked anew each time: it may change. */
export async function extensionKinds(client: Client, services: readonly APIService[]): Promise<readonly Kind[]> {
  const kinds = new Map<string, Kind>();
  for (const { spec } of services.toSorted(byVersionPriority)) {
    const { group = "", version = "" } = spec ?? {};
    for (const { name, kind, namespaced, verbs = [] } of await client.transport.discover(group, version)) {
      const key = `${name}.${group}`;
      if (kinds.has(key)) continue;
      const scope = namespaced ? "Namespaced" : "Cluster";
      const known = allVerbs.filter((verb) => verbs.includes(verb));
      kinds.set(key, defineKind({ group, version, kind, plural: name, scope, verbs: known }));
    }
  }
  return [...kinds.values()];
}

function byVersionPriority({ spec: a }: APIService, { spec: b }: APIService): number {
  return (b?.versionPriority ?? 0) - (a?.versionPriority ?? 0);
}
