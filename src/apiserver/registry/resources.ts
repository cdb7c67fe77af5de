import type { FieldError } from "../../api/field.ts";
import { apiVersionOf, type Kind, type StoredAs } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import type { SchemaNode } from "../../api/schema/node.ts";
import type { JSONSchemaProps } from "../../api/schema/types.ts";
import { qualified, type ResourceName } from "../../api/status.ts";

/** A kind as it is served: where its objects lie and what their bytes begin with. */
export interface Resource {
  readonly kind: Kind;
  /** "apps/v1", "v1". */
  readonly groupVersion: string;
  /** Its name in errors. */
  readonly name: ResourceName;
  /** The kind under which its objects are stored: itself, or another version of it. */
  readonly home: Kind;
  /** Of a built-in kind: the versions in which the same objects are served, "apps/v1". */
  readonly versions?: ReadonlySet<string>;
  /** How `home` and this kind become each other; absent when they are the same. */
  readonly stored: StoredAs | undefined;
  /** The store's bucket of `home`: "pods", "deployments.apps". */
  readonly bucket: string;
  /** How many bytes of a held object say its kind and apiVersion: behind them begins an item of a list. */
  readonly itemOffset: number;
  /** What the bytes of its objects begin with when they are of this version. */
  readonly typeBytes: Buffer;
  /** Of a custom resource: what its schema says. Its items in lists name their kind, as those of built-in kinds do not. */
  readonly custom: CustomSchema | undefined;
  /** Texts for the Warning header of every request. */
  readonly deprecation: string | undefined;
}

/** The schema of a custom resource, beyond what a kind says. */
export interface CustomSchema {
  readonly node: SchemaNode;
  /** Whether its schema has defaults, which objects get that were stored without them. */
  readonly hasDefaults: boolean;
  /** Converts objects to a version ("example.com/v2"), where a webhook does that; absent: versions differ by their name only. */
  readonly convert?: ((objects: readonly AnyObject[], groupVersion: string) => Promise<AnyObject[]>) | undefined;
  /** The schema as OpenAPI documents show it. */
  readonly published?: JSONSchemaProps | undefined;
  /** What is wrong with a new object, or with a change of an old one. */
  validate(object: AnyObject, writing: CustomWriting): FieldError[];
}

/** How an object of a custom resource comes to be judged. */
export interface CustomWriting {
  readonly old?: AnyObject | undefined;
  readonly subresource?: string | undefined;
  /** Gets what is forgiven, since it was so before. */
  readonly warn: (text: string) => void;
}

/** All resources that are served, found by group, version and plural. Definitions of custom resources come and go. */
export class Catalog {
  readonly #byGroupVersion = new Map<string, Map<string, Resource>>();
  readonly #watchers = new Set<() => void>();
  /** Grows with each change: what was made from the catalog is made again when it has grown. */
  generation = 0;

  constructor(kinds: readonly Kind[]) {
    const homes = new Map(kinds.map((kind) => [kind, homeOf(kind, kinds)]));
    const versions = new Map(
      [...Map.groupBy(kinds, (kind) => homes.get(kind))].map(([home, same]) => [home, new Set(same.map(apiVersionOf))]),
    );
    for (const [kind, home] of homes)
      this.#put({ ...resourceFrom(kind, home, undefined), versions: versions.get(home) ?? new Set() });
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byGroupVersion.get(apiVersionOf({ group, version }))?.get(plural);
  }
  /** The resource of a kind ("apps/v1", "Deployment"). */
  ofKind(apiVersion: string, kind: string): Resource | undefined {
    return this.#byGroupVersion
      .get(apiVersion)
      ?.values()
      .find((resource) => resource.kind.kind === kind);
  }
  /** Some version of a resource: what RBAC and field managers name without one. */
  ofGroup(group: string, plural: string): Resource | undefined {
    return this.all().find(({ kind }) => kind.group === group && kind.plural === plural);
  }
  hasGroupVersion(groupVersion: string): boolean {
    return this.#byGroupVersion.has(groupVersion);
  }
  all(): IteratorObject<Resource> {
    return this.#byGroupVersion.values().flatMap((resources) => resources.values());
  }

  /** Replaces what a definition declares: the resources of a group and plural. */
  define(group: string, plural: string, resources: readonly Resource[]): void {
    for (const [groupVersion, known] of this.#byGroupVersion) {
      if (known.get(plural)?.kind.group !== group) continue;
      known.delete(plural);
      if (known.size === 0) this.#byGroupVersion.delete(groupVersion);
    }
    for (const resource of resources) this.#put(resource);
    this.generation++;
    for (const react of this.#watchers) react();
  }

  onChange(react: () => void): Disposable {
    this.#watchers.add(react);
    return { [Symbol.dispose]: () => void this.#watchers.delete(react) };
  }

  #put(resource: Resource): void {
    const known = this.#byGroupVersion.get(resource.groupVersion);
    if (known) known.set(resource.kind.plural, resource);
    else this.#byGroupVersion.set(resource.groupVersion, new Map([[resource.kind.plural, resource]]));
  }
}

function homeOf(kind: Kind, kinds: readonly Kind[]): Kind {
  const { stored } = kind;
  if (!stored) return kind;
  const home = kinds.find(
    (other) => other.group === stored.group && other.version === stored.version && other.kind === kind.kind,
  );
  if (!home) throw new Error(`${kind.kind} is stored as ${apiVersionOf(stored)}, which is no kind`);
  return home;
}

export function resourceFrom(kind: Kind, home: Kind, custom: CustomSchema | undefined): Resource {
  const groupVersion = apiVersionOf(kind);
  return {
    kind,
    groupVersion,
    name: { group: kind.group, plural: kind.plural },
    home,
    stored: home === kind ? undefined : kind.stored,
    bucket: qualified(home),
    itemOffset: custom ? 1 : typePrefix(home.kind, apiVersionOf(home)).length,
    typeBytes: Buffer.from(typePrefix(kind.kind, groupVersion)),
    custom,
    deprecation: deprecations[`${groupVersion} ${kind.kind}`],
  };
}

/** Kubernetes docs, "Deprecated API Migration Guide": what v1.36 warns of. */
const deprecations: Record<string, string> = {
  "v1 ComponentStatus": "v1 ComponentStatus is deprecated in v1.19+",
  "v1 Endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
};

/** What the bytes of every object begin with. */
function typePrefix(kind: string, apiVersion: string): string {
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
}

/** The key of an object in the store, or what the keys of all objects of a namespace begin with. */
export function storeKey({ bucket }: Pick<Resource, "bucket">, namespace: string | undefined, name: string): string {
  return namespace ? `/${bucket}/${namespace}/${name}` : `/${bucket}/${name}`;
}

/** What the keys of a list begin with. */
export function storePrefix({ bucket }: Pick<Resource, "bucket">, namespace: string | undefined): string {
  return namespace ? `/${bucket}/${namespace}/` : `/${bucket}/`;
}
