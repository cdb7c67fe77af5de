import { apiVersionOf, type Kind } from "../api/kind.ts";
import { customResourceDefinition } from "../api/kinds/apiextensions/custom-resource-definition.ts";
import { isLeaving, type KubeObject } from "../api/object.ts";
import type { ControllerEnvironment } from "../client/controller.ts";
import type { Informer } from "../client/informer.ts";
import { openInformers } from "../client/open-informers.ts";
import { kindFrom } from "./resources.ts";

/** What is done with a kind while it is there. */
export type FollowKind = (kind: Kind, informer: Informer<KubeObject>) => Disposable;

/**
 * Gives each kind that a CustomResourceDefinition declares an informer of its own, from the moment it is served; it goes
 * with the kind. The objects are held without what is in them.
 */
export function followCustomKinds(environment: ControllerEnvironment, follow: FollowKind): Disposable {
  const { client, informers, clock, log } = environment;
  const followed = new Map<string, { kind: Kind; stop: () => void }>();
  const forget = (name: string) => {
    followed.get(name)?.stop();
    followed.delete(name);
  };
  const listener = informers.of(customResourceDefinition).onChange(({ key, after }) => {
    const kind = after && !isLeaving(after) ? kindFrom(after) : undefined;
    const known = followed.get(key.name)?.kind;
    if (kind && known && apiVersionOf(kind) === apiVersionOf(known)) return;
    forget(key.name);
    if (!kind) return;
    const own = openInformers(client, { clock, log });
    const following = follow(kind, own.of(kind, { keeps: "identity" }));
    const stop = () => {
      following[Symbol.dispose]();
      void own[Symbol.asyncDispose]();
    };
    followed.set(key.name, { kind, stop });
  });
  return {
    [Symbol.dispose]() {
      listener[Symbol.dispose]();
      for (const name of [...followed.keys()]) forget(name);
    },
  };
}
