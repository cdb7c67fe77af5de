import { createHash } from "node:crypto";
import { apiVersionOf, type Kind, type Subresource, type Verb } from "../../api/kind.ts";
import type { ExtensionApi, ExtensionResource, Extensions } from "../aggregate/extensions.ts";
import type { Catalog, Resource } from "../registry/resources.ts";

/**
 * What kubectl asks before it does anything: which groups, versions and resources there are. Made from the catalog, and
 * made again when that has changed.
 */
export class Discovery {
  readonly #catalog: Catalog;
  readonly #made = new Map<string, unknown>();
  readonly #extensions: Extensions;
  #generation = "";

  constructor(catalog: Catalog, extensions: Extensions) {
    this.#catalog = catalog;
    this.#extensions = extensions;
  }

  /** `/apis` */
  groups(): object {
    return this.#once("groups", () => ({
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: this.#groupNames().map((group) => groupEntry(group, this.#versionsOf(group))),
    }));
  }

  /** `/apis/GROUP`; undefined when there is no such group. */
  group(group: string): object | undefined {
    return this.#once(`group ${group}`, () => {
      const versions = this.#versionsOf(group);
      if (group === "" || versions.length === 0) return undefined;
      return { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group, versions) };
    });
  }

  /** `/api/v1`, `/apis/GROUP/VERSION`; undefined when there is no such version. */
  resources(groupVersion: string): object | undefined {
    return this.#once(`resources ${groupVersion}`, () => {
      const resources = this.#resourcesOf(groupVersion);
      if (resources.length === 0) return undefined;
      return {
        kind: "APIResourceList",
        // The core group's list has never said its own version; clients know.
        ...(groupVersion !== "v1" && { apiVersion: "v1" }),
        groupVersion,
        resources: resources.flatMap(resourceEntries),
      };
    });
  }

  /** Everything in one answer: `/api` and `/apis` for clients that ask for aggregated discovery. */
  aggregated(which: "core" | "groups"): { readonly body: Buffer; readonly etag: string } {
    return this.#once(`aggregated ${which}`, () => {
      const groups = which === "core" ? [""] : this.#groupNames();
      const body = Buffer.from(
        JSON.stringify({
          kind: "APIGroupDiscoveryList",
          apiVersion: "apidiscovery.k8s.io/v2",
          metadata: {},
          items: groups.map((group) => ({
            metadata: group ? { name: group } : {},
            versions: this.#versionsOf(group).map((version) => ({
              version,
              ...this.#aggregatedVersion(group, version),
            })),
          })),
        }),
      );
      return { body, etag: `"${createHash("sha512").update(body).digest("hex").toUpperCase()}"` };
    });
  }

  /** All paths that answer, for `/`. */
  paths(): string[] {
    const groups = this.#groupNames();
    const versions = groups.flatMap((group) => this.#versionsOf(group).map((version) => `/apis/${group}/${version}`));
    return ["/api", "/api/v1", "/apis", "/apis/", ...groups.map((group) => `/apis/${group}`), ...versions];
  }

  hasGroup(group: string): boolean {
    return this.#versionsOf(group).length > 0;
  }

  #aggregatedVersion(group: string, version: string): { readonly resources: unknown[]; readonly freshness: string } {
    const extension = group ? this.#extensions.find(group, version) : undefined;
    if (extension)
      return {
        resources: extensionEntries(extension),
        freshness: extension.isAvailable ? "Current" : "Stale",
      };
    const resources = this.#resourcesOf(apiVersionOf({ group, version })).filter(({ kind }) => kind.verbs.length > 0);
    return { resources: resources.map(aggregatedEntry), freshness: "Current" };
  }

  #groupNames(): string[] {
    const names = new Set(this.#catalog.all().map(({ kind }) => kind.group));
    for (const { group } of this.#extensions.all()) names.add(group);
    names.delete("");
    return [...names].sort(byRank);
  }

  #versionsOf(group: string): string[] {
    const versions = new Set(
      this.#catalog
        .all()
        .filter(({ kind }) => kind.group === group)
        .map(({ kind }) => kind.version),
    );
    for (const extension of this.#extensions.all()) if (extension.group === group) versions.add(extension.version);
    return [...versions].sort(byVersion);
  }

  #resourcesOf(groupVersion: string): Resource[] {
    return this.#catalog
      .all()
      .filter((resource) => resource.groupVersion === groupVersion)
      .toArray()
      .sort((a, b) => (a.kind.plural < b.kind.plural ? -1 : 1));
  }

  #once<T>(key: string, make: () => T): T {
    const generation = `${this.#catalog.generation} ${this.#extensions.generation}`;
    if (this.#generation !== generation) {
      this.#made.clear();
      this.#generation = generation;
    }
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key) as T;
  }
}

function groupEntry(group: string, versions: readonly string[]): Record<string, unknown> {
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

/** The order in which Kubernetes lists its own groups; others follow by name. */
const ranked = [
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

function byRank(a: string, b: string): number {
  const rank = (group: string): number => (ranked.includes(group) ? ranked.indexOf(group) : ranked.length);
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

/** Stable before beta before alpha, newer before older (Kubernetes docs, "Version priority"). */
function byVersion(a: string, b: string): number {
  const parts = (version: string) => /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  const [x, y] = [parts(a), parts(b)];
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : 1;
  const stage = (name: string | undefined): number => (name === undefined ? 2 : name === "beta" ? 1 : 0);
  return stage(y[2]) - stage(x[2]) || Number(y[1]) - Number(x[1]) || Number(y[3] ?? 0) - Number(x[3] ?? 0);
}

/** Where the version that Kubernetes itself stores is another one than any that is served. */
const storedVersions = new Map([["CustomResourceDefinition", "v1beta1"]]);

function storageHash({ group, version: served, kind }: Kind): string {
  const version = storedVersions.get(kind) ?? served;
  return createHash("sha256").update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString("base64");
}

function resourceEntries({ kind, home, custom }: Resource): Record<string, unknown>[] {
  const namespaced = kind.scope === "Namespaced";
  const stored = !kind.action && kind.verbs.includes("watch");
  return [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced,
      kind: kind.kind,
      verbs: custom ? customVerbOrder(kind.verbs) : kind.verbs,
      ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
      ...(kind.categories.length > 0 && { categories: kind.categories }),
      ...(stored && { storageVersionHash: storageHash(home) }),
    },
    ...(custom ? Object.entries(kind.subresources) : subresourcesOf(kind)).map(([name, sub]) => ({
      name: `${kind.plural}/${name}`,
      singularName: "",
      namespaced,
      ...kindOf(kind, sub),
      verbs: custom ? customVerbOrder(sub.verbs) : sub.verbs,
    })),
  ];
}

/** Custom resources have always had their verbs listed in an order of their own. */
function customVerbOrder(verbs: readonly Verb[]): Verb[] {
  const order: readonly Verb[] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
  return order.filter((verb) => verbs.includes(verb));
}

function subresourcesOf(kind: Kind): [string, Subresource][] {
  return Object.entries(kind.subresources).sort(([a], [b]) => (a < b ? -1 : 1));
}

interface KindName {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
}

/** The kind of a subresource's body, with its group where that is not the resource's. */
function kindOf(kind: Kind, sub: Subresource): KindName {
  if (sub.sort === "scale") return { group: "autoscaling", version: "v1", kind: "Scale" };
  if (sub.sort === "part") return { kind: kind.kind };
  return {
    ...(sub.group !== undefined && { group: sub.group }),
    ...(sub.version !== undefined && { version: sub.version }),
    kind: sub.kind,
  };
}

function aggregatedEntry({ kind, custom }: Resource): Record<string, unknown> {
  const subresources = subresourcesOf(kind);
  const responseKind = (name: KindName) => ({ group: name.group ?? "", version: name.version ?? "", kind: name.kind });
  const own = custom ? { group: kind.group, version: kind.version, kind: kind.kind } : { kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind: responseKind(own),
    scope: kind.scope,
    singularResource: kind.singular,
    verbs: custom ? customVerbOrder(kind.verbs) : kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map(([name, sub]) => ({
        subresource: name,
        responseKind: responseKind(custom && sub.sort === "part" ? own : kindOf(kind, sub)),
        verbs: sub.verbs,
      })),
    }),
  };
}

/** The resources of another server, subresources with what they belong to. */
function extensionEntries({ group, version, resources }: ExtensionApi): Record<string, unknown>[] {
  const responseKind = (of: ExtensionResource) => ({
    group: of.group || group,
    version: of.version || version,
    kind: of.kind,
  });
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map((resource) => {
      const subresources = resources.filter(({ name }) => name.startsWith(`${resource.name}/`));
      const { name, namespaced, singularName, verbs = [], shortNames = [], categories = [] } = resource;
      return {
        resource: name,
        responseKind: responseKind(resource),
        scope: namespaced ? "Namespaced" : "Cluster",
        singularResource: singularName ?? "",
        verbs,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
        ...(subresources.length > 0 && {
          subresources: subresources.map((sub) => ({
            subresource: sub.name.slice(name.length + 1),
            responseKind: responseKind(sub),
            verbs: sub.verbs ?? [],
          })),
        }),
      };
    });
}
