import { mkdir } from "node:fs/promises";
import { groupVersionFrom } from "../api/kind.ts";
import { builtinKinds } from "../api/kinds/all.ts";
import { customResourceDefinition } from "../api/kinds/apiextensions/custom-resource-definition.ts";
import type { AnyObject } from "../api/object.ts";
import { isReason } from "../api/status.ts";
import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { type Log, messageOf } from "../base/log.ts";
import { watchDirectory } from "../base/watch-directory.ts";
import type { Client } from "../client/client.ts";
import { type EventRecorder, openEventRecorder } from "../client/events.ts";
import { ifThere } from "../client/if-there.ts";
import { addon, addonDefinition, addonNamespace, type Made, madeFrom, vanished } from "./manifests/addon.ts";
import { type ManifestFile, manifestFiles } from "./manifests/files.ts";
import { objectsIn } from "./manifests/read.ts";

export interface DeployOptions {
  readonly directory: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
}

/** Editors and installers write several files, or one in several steps: all are looked at together. */
const quietMs = 300;
const retryWaits = { firstMs: 1000, maxMs: 60_000 };
const fieldManager = "skiff-manifests";

/**
 * Keeps the cluster as the files in the manifests directory say: what is in them is applied, what vanishes from one is
 * deleted. A file that goes leaves its objects. Resolves when the directory is followed; applying goes on behind that.
 */
export async function deployManifests({ directory, client, clock, log }: DeployOptions): Promise<AsyncDisposable> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const events = openEventRecorder({ client, clock, log, component: "deploy" });
  const retry = new Backoff(retryWaits, clock);
  /** Checksums of files that are in order, by path. */
  const settled = new Map<string, string>();
  let timer: Disposable | undefined;
  let working: Promise<void> = Promise.resolve();
  let isDefined = false;
  let stopped = false;

  function lookNow(): void {
    timer?.[Symbol.dispose]();
    working = working.then(look);
  }

  async function look(): Promise<void> {
    let failed = false;
    let isIncomplete = false;
    try {
      const files = await manifestFiles(directory, clock);
      for (const path of settled.keys()) if (!files.some((file) => file.path === path)) settled.delete(path);
      for (const file of files) {
        if (stopped || settled.get(file.path) === file.checksum) continue;
        // What is not in the half that is there already would be deleted.
        if (file.isBeingWritten) isIncomplete = true;
        else if (await deploy(file)) settled.set(file.path, file.checksum);
        else failed = true;
      }
    } catch (error) {
      failed = true;
      log.warn("the manifests directory cannot be read", { directory, error });
    }
    if (!failed) retry.reset();
    if ((failed || isIncomplete) && !stopped) timer = clock.after(isIncomplete ? quietMs : retry.nextMs(), lookNow);
  }

  async function deploy(file: ManifestFile): Promise<boolean> {
    try {
      if (!isDefined) await define(client);
      isDefined = true;
      await applyFile(file, client, events);
      return true;
    } catch (error) {
      log.warn("a manifest was not applied, will try again", { file: file.path, error });
      return false;
    }
  }

  const watching = watchDirectory({ directory, recursive: true, quietMs, clock, log }, lookNow);
  lookNow();

  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      watching[Symbol.dispose]();
      timer?.[Symbol.dispose]();
      await working;
      events[Symbol.dispose]();
    },
  };
}

async function define(client: Client): Promise<void> {
  const { name } = addonDefinition.metadata;
  if (await ifThere(client.get(customResourceDefinition, { name }))) return;
  await client.create(customResourceDefinition, addonDefinition);
}

async function applyFile(file: ManifestFile, client: Client, events: EventRecorder): Promise<void> {
  const key = { namespace: addonNamespace, name: file.name };
  const before = await ifThere(client.get(addon, key));
  const { source, checksum } = before?.spec ?? {};
  if (source === file.path && checksum === file.checksum) return;
  // The Addon is there first: whatever of the file is made, it is known to whom it belongs.
  const about = before ?? (await client.create(addon, { metadata: key, spec: { source: file.path, checksum: "" } }));
  const path = JSON.stringify(file.path);
  events.record(about, { type: "Normal", reason: "ApplyingManifest", message: `Applying manifest at ${path}` });
  try {
    const objects = objectsIn(file.text);
    const made: Made[] = [];
    for (const object of objects) made.push(await apply(object, client));
    for (const old of vanished(before?.status?.objects ?? [], made)) await remove(old, client);
    const { resourceVersion: _, ...metadata } = about.metadata;
    const spec = { source: file.path, checksum: file.checksum };
    await client.patch(addon, key, { type: "merge", document: { metadata, spec, status: { objects: made } } });
    events.record(about, { type: "Normal", reason: "AppliedManifest", message: `Applied manifest at ${path}` });
  } catch (error) {
    const message = `Applying manifest at ${path} failed: ${messageOf(error)}`;
    events.record(about, { type: "Warning", reason: "ApplyManifestFailed", message });
    throw error;
  }
}

async function apply(object: AnyObject, client: Client): Promise<Made> {
  const { group, version } = groupVersionFrom(object.apiVersion);
  const { plural, isNamespaced } = await resourceOf(object, client);
  const made = madeFrom(object, isNamespaced);
  const document = {
    ...object,
    metadata: { ...object.metadata, ...(made.namespace && { namespace: made.namespace }) },
  };
  await client.transport.request({
    verb: "patch",
    group,
    version,
    resource: plural,
    namespace: made.namespace,
    name: made.name,
    patch: { type: "apply", document },
    options: { fieldManager, force: true },
  });
  return made;
}

async function remove(made: Made, client: Client): Promise<void> {
  const { group, version } = groupVersionFrom(made.apiVersion);
  try {
    const { plural } = await resourceOf(made, client);
    const { namespace, name } = made;
    const options = { propagationPolicy: "Background" } as const;
    await client.transport.request({ verb: "delete", group, version, resource: plural, namespace, name, options });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

/** A built-in resource, or a custom one, which may be defined by the same file. */
async function resourceOf(
  { apiVersion, kind }: { apiVersion: string; kind: string },
  client: Client,
): Promise<{ readonly plural: string; readonly isNamespaced: boolean }> {
  const { group, version } = groupVersionFrom(apiVersion);
  const builtin = builtinKinds.find((each) => each.group === group && each.version === version && each.kind === kind);
  if (builtin) return { plural: builtin.plural, isNamespaced: builtin.scope === "Namespaced" };
  const definitions = await client.list(customResourceDefinition);
  const found = definitions.items.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`);
  return { plural: found.spec.names.plural, isNamespaced: found.spec.scope === "Namespaced" };
}
