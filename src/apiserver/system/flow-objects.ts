import { isDeepStrictEqual } from "node:util";
import { groupVersionFrom } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { isReason } from "../../api/status.ts";
import { fillIn } from "../negotiate/decode-body.ts";
import { deleteObject } from "../registry/delete.ts";
import type { Registry } from "../registry/deps.ts";
import { onChange } from "../registry/follow.ts";
import { heldObject } from "../registry/held.ts";
import { type Resource, storeKey } from "../registry/resources.ts";
import { updateObject } from "../registry/update.ts";
import { ensure, flowControlManager } from "./bootstrap.ts";
import { ownObjects } from "./own-objects.ts";
import { systemCall } from "./system-call.ts";

const group = "flowcontrol.apiserver.k8s.io";
const buckets = ["flowschemas", "prioritylevelconfigurations"].map((plural) => `${plural}.${group}`);
const autoupdate = "apf.kubernetes.io/autoupdate-spec";

// So long a change stands before it is looked at, as in Kubernetes, which looks once a minute.
const lookAfterMs = 60_000;

/** Whatever an administrator makes of these, they get back what they were. */
const mandatory = new Set(["exempt", "catch-all"]);

/**
 * Keeps the flow schemas and priority levels of the server's own as they were made, in so far as they are not the
 * administrator's by now (Kubernetes docs, "API Priority and Fairness", section "Maintenance of the Mandatory and Suggested
 * Configuration Objects"): at the start, and a while after something has changed.
 */
export class FlowObjects implements Disposable {
  readonly #registry: Registry;
  readonly #following: readonly Disposable[];
  #timer: Disposable | undefined;

  private constructor(registry: Registry) {
    this.#registry = registry;
    // What changed is not asked: all are looked at.
    this.#following = buckets.map((bucket) => onChange(registry.store, `/${bucket}/`, () => this.#lookLater()));
  }

  static async open(registry: Registry): Promise<FlowObjects> {
    await keepFlowObjects(registry);
    return new FlowObjects(registry);
  }

  #lookLater(): void {
    const { clock, log } = this.#registry;
    this.#timer ??= clock.after(lookAfterMs, () => {
      this.#timer = undefined;
      keepFlowObjects(this.#registry).catch((error: unknown) =>
        log.error("flow schemas and priority levels were not put back", { error }),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    for (const one of this.#following) one[Symbol.dispose]();
  }
}

/** Puts back what is missing or changed, and takes away what older servers had made and this one does not know. */
async function keepFlowObjects(registry: Registry): Promise<void> {
  const wanted = ownObjects().filter(({ apiVersion }) => groupVersionFrom(apiVersion).group === group);
  for (const object of wanted) {
    await ensure(registry, object);
    const resource = registry.catalog.ofKind(object.apiVersion, object.kind);
    if (!resource) continue;
    fillIn(resource, object);
    const entry = registry.store.latest(storeKey(resource, undefined, object.metadata.name));
    if (!entry || !flowObjectAsWanted(heldObject(entry), object)) continue;
    await ignoreVanished(() =>
      updateObject(
        registry,
        { ...systemCall(resource, { name: object.metadata.name }), fieldManager: flowControlManager },
        { change: (old) => flowObjectAsWanted(old, object) ?? structuredClone(old) },
      ),
    );
  }
  for (const bucket of buckets) {
    const resource = registry.catalog.all().find((known) => known.bucket === bucket && !known.stored);
    if (resource) await removeForgotten(registry, resource, wanted);
  }
}

async function removeForgotten(registry: Registry, resource: Resource, wanted: readonly AnyObject[]): Promise<void> {
  const names = new Set(wanted.filter(({ kind }) => kind === resource.kind.kind).map(({ metadata }) => metadata.name));
  for (const entry of registry.store.list(`/${resource.bucket}/`).entries) {
    const { metadata } = heldObject(entry);
    if (names.has(metadata.name) || saysAutoupdate(metadata.annotations?.[autoupdate]) !== true) continue;
    await ignoreVanished(() => deleteObject(registry, systemCall(resource, { name: metadata.name })));
  }
}

/** Somebody else was faster: nothing is left to do. */
async function ignoreVanished(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

/**
 * The object as it is to be; undefined: as it is. The annotation says whether its spec is the server's; where it says nothing, the spec is as long
 * as nobody has changed it.
 */
function flowObjectAsWanted(old: AnyObject, wanted: AnyObject): AnyObject | undefined {
  const { metadata } = old;
  const isOurs =
    mandatory.has(metadata.name) ||
    (saysAutoupdate(metadata.annotations?.[autoupdate]) ?? (metadata.generation ?? 1) === 1);
  const isSaid = saysAutoupdate(metadata.annotations?.[autoupdate]) === isOurs;
  const isSame = !isOurs || isDeepStrictEqual(old.spec, wanted.spec);
  if (isSaid && isSame) return undefined;
  const annotations = isSaid ? metadata.annotations : { ...metadata.annotations, [autoupdate]: String(isOurs) };
  return structuredClone({
    ...old,
    metadata: { ...metadata, annotations },
    ...(!isSame && { spec: wanted.spec }),
  }) as AnyObject;
}

/** As Go reads a boolean; undefined where it is none. */
function saysAutoupdate(text: string | undefined): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(text ?? "")) return true;
  return /^(0|f|F|false|FALSE|False)$/.test(text ?? "") ? false : undefined;
}
