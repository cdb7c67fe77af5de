import type { Subresource, Verb } from "../kind.ts";
import { actionPaths, type SubresourcePlace } from "./action-paths.ts";
import { objectTypes } from "./media-types.ts";
import { capital, groupName } from "./names.ts";
import { listParameters } from "./parameters.ts";
import type { OperationModel, PathModel } from "./path-model.ts";
import type { PublishedKind } from "./published-kind.ts";
import { type DocumentedVerb, type Subject, verbOperation } from "./verb-operations.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** A kind and where its paths are. */
interface Place {
  readonly kind: PublishedKind;
  /** "/apis/apps/v1". */
  readonly root: string;
  /** "AppsV1". */
  readonly api: string;
  /** "NamespacedDeployment". */
  readonly object: string;
  /** The path of its objects below the root: "/namespaces/{namespace}/deployments". */
  readonly collection: string;
  /** The parameters of that path. */
  readonly path: readonly string[];
}

/** All paths of the kinds of one group and version, in order. */
export function pathsOf(group: string, version: string, kinds: readonly PublishedKind[]): PathModel[] {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const api = `${groupName(group)}${capital(version)}`;
  const isCustom = kinds.some(({ schema }) => schema);
  const own = kinds.flatMap((kind) => kindPaths(placeOf(kind, root, api)));
  const all = isCustom ? own : [discoveryPath(root, api), ...own];
  return all.filter(({ operations }) => operations.length).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function discoveryPath(root: string, api: string): PathModel {
  const operation: OperationModel = {
    method: "get",
    id: `get${api}APIResources`,
    description: "get available resources",
    parameters: [],
    answer: `${meta}.APIResourceList`,
    codes: [200],
    media: { takes: objectTypes, gives: objectTypes },
  };
  return { path: `${root}/`, operations: [operation] };
}

function placeOf(kind: PublishedKind, root: string, api: string): Place {
  const common = { kind, root, api };
  return kind.scope === "Namespaced"
    ? {
        ...common,
        object: `Namespaced${kind.kind}`,
        collection: `/namespaces/{namespace}/${kind.plural}`,
        path: ["namespace"],
      }
    : { ...common, object: kind.kind, collection: `/${kind.plural}`, path: [] };
}

const collectionVerbs: readonly DocumentedVerb[] = ["list", "create", "deletecollection"];
const itemVerbs: readonly DocumentedVerb[] = ["get", "update", "delete", "patch"];

function kindPaths(place: Place): PathModel[] {
  const { kind, root, api, object, collection, path } = place;
  const item = { path: `${root}${collection}/{name}`, parameters: ["name", ...path] };
  const operations = (verbs: readonly DocumentedVerb[], parameters: readonly string[]): OperationModel[] =>
    served(verbs, kind).map((verb) => verbOperation(verb, { kind, api, object, path: parameters }));
  const everywhere = { kind, api, object: `${kind.kind}ForAllNamespaces`, path: [] };
  return [
    { path: `${root}${collection}`, operations: operations(collectionVerbs, path) },
    { path: item.path, operations: operations(itemVerbs, item.parameters) },
    ...Object.entries(kind.subresources).flatMap(([name, subresource]) => {
      const sub = name.split("/").map(capital).join("");
      const subject = { kind, api, object: `${object}${sub}`, path: item.parameters };
      return subresourcePaths({ path: `${item.path}/${name}`, sub, subject }, subresource);
    }),
    ...(kind.scope === "Namespaced" && kind.verbs.includes("list")
      ? [{ path: `${root}/${kind.plural}`, operations: [verbOperation("list", everywhere)] }]
      : []),
    ...watchPaths(place),
  ];
}

function served<V extends Verb>(verbs: readonly V[], { verbs: has }: { readonly verbs: readonly Verb[] }): V[] {
  return verbs.filter((verb) => has.includes(verb));
}

/** The paths of watches from before watching was a parameter of a list. */
function watchPaths({ kind, root, api, object, collection, path }: Place): PathModel[] {
  if (!kind.verbs.includes("watch") || kind.schema) return [];
  const watch = (name: string, parameters: readonly string[], action: string): OperationModel => ({
    method: "get",
    id: `watch${api}${name}`,
    description: "watch changes. Deprecated: use the 'watch' parameter with a list operation instead.",
    action,
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    parameters: [...listParameters, ...parameters, "pretty"],
    answer: `${meta}.WatchEvent`,
    codes: [200],
    streams: true,
  });
  const everywhere = watch(`${kind.kind}ListForAllNamespaces`, [], "watchlist");
  return [
    { path: `${root}/watch${collection}`, operations: [watch(`${object}List`, path, "watchlist")] },
    { path: `${root}/watch${collection}/{name}`, operations: [watch(object, ["name", ...path], "watch")] },
    ...(kind.scope === "Namespaced" ? [{ path: `${root}/watch/${kind.plural}`, operations: [everywhere] }] : []),
  ];
}

const partVerbs = ["get", "update", "patch"] as const;

function subresourcePaths(at: SubresourcePlace, subresource: Subresource): PathModel[] {
  if (subresource.sort === "action") return actionPaths(at, subresource);
  const { kind } = at.subject;
  const subject: Subject =
    subresource.sort === "scale"
      ? {
          ...at.subject,
          kind: { ...kind, group: "autoscaling", version: "v1", kind: "Scale" },
          type: "io.k8s.api.autoscaling.v1.Scale",
        }
      : at.subject;
  return [{ path: at.path, operations: served(partVerbs, subresource).map((verb) => verbOperation(verb, subject)) }];
}
