import { objectTypes } from "./media-types.ts";
import { groupName, tagOf } from "./names.ts";
import type { PathModel } from "./path-model.ts";
import type { PublishedKind } from "./published-kind.ts";

/** What is said of an API beside its kinds: one path each, with the tag of its operation. */
export interface GeneralDocument {
  readonly path: PathModel;
  readonly tag: string;
}

/** The operation of a general document, which only reads. */
interface Read {
  readonly id: string;
  readonly description: string;
  /** The type of the answer; a text unless said. */
  readonly answer?: string;
  readonly tag: string;
  readonly takes?: readonly string[];
  readonly gives?: readonly string[];
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const json = ["application/json"];

const fixed: Record<string, Read> = {
  ".well-known/openid-configuration": {
    id: "getServiceAccountIssuerOpenIDConfiguration",
    description: "get the issuer of service account tokens",
    tag: "WellKnown",
    takes: [],
    gives: json,
  },
  api: {
    id: "getCoreAPIVersions",
    description: "get available API versions",
    answer: `${meta}.APIVersions`,
    tag: "core",
  },
  apis: {
    id: "getAPIVersions",
    description: "get available API versions",
    answer: `${meta}.APIGroupList`,
    tag: "apis",
  },
  "openid/v1/jwks": {
    id: "getServiceAccountIssuerOpenIDKeyset",
    description: "get the keys of service account tokens",
    tag: "openid",
    takes: [],
    gives: ["application/jwk-set+json"],
  },
  version: {
    id: "getCodeVersion",
    description: "get the version of this server",
    answer: "io.k8s.apimachinery.pkg.version.Info",
    tag: "version",
    takes: json,
    gives: json,
  },
};

/** The general documents by their names ("api", "apis", "apis/apps", "version"): groups of custom resources alone have none. */
export function generalDocuments(kinds: readonly PublishedKind[]): Map<string, GeneralDocument> {
  const groups = new Set(kinds.filter(({ group, schema }) => group && !schema).map(({ group }) => group));
  const reads: [string, Read][] = [...Object.entries(fixed), ...[...groups].map(groupRead)];
  return new Map(reads.map(([name, read]) => [name, documentFrom(name, read)]));
}

function groupRead(group: string): [name: string, read: Read] {
  const id = `get${groupName(group)}APIGroup`;
  return [
    `apis/${group}`,
    { id, description: "get information of a group", answer: `${meta}.APIGroup`, tag: tagOf(group) },
  ];
}

function documentFrom(name: string, { tag, takes = objectTypes, gives = objectTypes, ...said }: Read): GeneralDocument {
  const operation = { ...said, method: "get", parameters: [], codes: [200], media: { takes, gives } } as const;
  return { path: { path: `/${name}/`, operations: [operation] }, tag };
}
