import { builtinKinds } from "../../../api/kinds/all.ts";
import type { AnyObject } from "../../../api/object.ts";
import { systemClock } from "../../../base/clock.ts";
import { noLog } from "../../../base/log.ts";
import type { Store } from "../../../store/contract.ts";
import { openStore } from "../../../store/open.ts";
import { Catalog, storeKey } from "../../registry/resources.ts";
import { systemUser, type UserInfo } from "../../user.ts";
import type { AdmissionStep, Review } from "../admission.ts";

export const catalog = new Catalog(builtinKinds);

/** An object of a kind, as short as the test needs it. */
export function anObject(apiVersion: string, kind: string, rest: object): AnyObject {
  const { metadata, ...more } = rest as { metadata?: object };
  return { apiVersion, kind, metadata: { name: "a", namespace: "ns", ...metadata }, ...more } as AnyObject;
}

export function aPod(spec: object, metadata: object = {}): AnyObject {
  return anObject("v1", "Pod", { metadata, spec });
}

/** A store in memory that holds these objects. */
export async function storeWith(...objects: readonly AnyObject[]): Promise<Store> {
  const store = await openStore({ kind: "memory" }, { clock: systemClock, log: noLog });
  for (const object of objects) {
    const resource = catalog.ofKind(object.apiVersion, object.kind);
    if (!resource) throw new Error(`there is no ${object.kind}`);
    const namespace = resource.kind.scope === "Namespaced" ? object.metadata.namespace : undefined;
    await store.put(storeKey(resource, namespace, object.metadata.name), {
      expected: "any",
      value: () => Buffer.from(JSON.stringify(object)),
    });
  }
  return store;
}

export interface ReviewOptions {
  readonly operation?: Review["operation"];
  readonly old?: AnyObject;
  readonly subresource?: string;
  readonly user?: UserInfo;
  readonly warnings?: string[];
  readonly annotations?: Record<string, string>;
  readonly dryRun?: boolean;
}

export function reviewOf(object: AnyObject, options: ReviewOptions = {}): Review {
  const resource = catalog.ofKind(object.apiVersion, object.kind);
  if (!resource) throw new Error(`there is no ${object.kind}`);
  const operation = options.operation ?? (options.old ? "UPDATE" : "CREATE");
  const { name, namespace } = object.metadata;
  return {
    operation,
    object,
    old: options.old,
    call: {
      user: options.user ?? systemUser,
      resource,
      subresource: options.subresource,
      namespace: resource.kind.scope === "Namespaced" ? namespace : undefined,
      name: operation === "CREATE" ? undefined : name,
      options: { dryRun: options.dryRun },
      fieldManager: "test",
      annotate: (key, value) => void (options.annotations && (options.annotations[key] = value)),
      warn: (text) => void options.warnings?.push(text),
      alsoNeeds() {},
    },
  };
}

/** Lets a step change and judge an object; returns why it is refused, if it is. */
export async function refusalBy(step: AdmissionStep, review: Review): Promise<string | undefined> {
  try {
    await step.mutate?.(review);
    await step.validate?.(review);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
