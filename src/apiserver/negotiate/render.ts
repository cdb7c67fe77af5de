import type { AnyObject, ObjectMeta } from "../../api/object.ts";
import { encodeProtobuf } from "../../api/schema/protobuf.ts";
import { nodeOfKind } from "../../api/schema/table.ts";
import { StatusError } from "../../api/status.ts";
import type { Entry } from "../../store/contract.ts";
import type { Answer, ListAnswer, ListItem } from "../registry/answer.ts";
import { bytesIn, encode, objectIn, unended } from "../registry/held.ts";
import type { Resource } from "../registry/resources.ts";
import { contentTypeOf, type Form } from "./accept.ts";
import { type IncludeObject, metadataOnly, type TableOptions, tableOf } from "./table.ts";
import { toYaml } from "./yaml.ts";

/** An answer ready to be sent. */
export interface Rendered {
  readonly code: number;
  readonly contentType: string;
  /** In order; what is held is here itself, not a copy. */
  readonly parts: readonly Buffer[];
}

export interface RenderOptions {
  readonly form: Form;
  readonly include: IncludeObject;
  readonly now: number;
}

/** Gives an answer the form that the client asked for. @throws {StatusError} NotAcceptable where it cannot have that form */
export function render(answer: Answer, options: RenderOptions): Rendered {
  const { form } = options;
  const plain = form.encoding === "json" && !form.as && !form.pretty;
  if (answer.sort === "entry") {
    const { code, resource, entry } = answer;
    if (plain) return { code, contentType: "application/json", parts: [bytesIn(resource, entry)] };
    return rendered(code, oneObject(resource, objectIn(resource, entry), options), form);
  }
  if (answer.sort === "object") {
    const { code, resource, object } = answer;
    return rendered(code, resource ? oneObject(resource, object, options) : object, form);
  }
  if (answer.sort === "status")
    return rendered(answer.code, answer.status as unknown as AnyObject, { ...form, as: undefined });
  return plain
    ? { code: 200, contentType: "application/json", parts: listParts(answer) }
    : rendered(200, listObject(answer, options), form);
}

/** A value in one piece, in a form's encoding. */
export function rendered(code: number, value: AnyObject, form: Form): Rendered {
  return { code, contentType: contentTypeOf(form), parts: [encoded(value, form)] };
}

export function encoded(value: AnyObject, form: Form): Buffer {
  if (form.encoding === "yaml") return toYaml(value);
  if (form.encoding === "protobuf") return protobufOf(value);
  return form.pretty ? Buffer.from(JSON.stringify(value, null, 2)) : encode(value);
}

function protobufOf(value: AnyObject): Buffer {
  const node = nodeOfKind(value.apiVersion || "v1", value.kind);
  if (!node)
    throw new StatusError(
      "NotAcceptable",
      `object *${value.kind} does not implement the protobuf marshalling interface`,
    );
  const bytes = encodeProtobuf(value, node);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function oneObject(resource: Resource, object: AnyObject, options: RenderOptions): AnyObject {
  const { as, asVersion } = options.form;
  if (as === undefined) return object;
  if (as === "Table") {
    const { resourceVersion } = object.metadata;
    return tableOf(resource, [object], resourceVersion ? { resourceVersion } : {}, tableOptions(options, true));
  }
  if (as === "PartialObjectMetadata") return metadataOnly(resource, object, asVersion);
  throw new StatusError(
    "NotAcceptable",
    `you requested PartialObjectMetadataList, but the requested object is not a list (*${goType(resource, "")})`,
  );
}

function tableOptions({ form, include, now }: RenderOptions, withColumns: boolean): TableOptions {
  return { version: form.asVersion, include, now, withColumns };
}

/** How Kubernetes' own language calls the type of a resource's objects. */
function goType({ kind, custom }: Resource, suffix: string): string {
  if (custom) return "unstructured.Unstructured";
  return `${kind.group.split(".")[0] || "core"}.${kind.kind}${suffix}`;
}

function listMetadata({ resource, revision, continue: token, remaining }: ListAnswer): ObjectMeta {
  return {
    ...(revision && { resourceVersion: revision }),
    // Lists of custom resources say even that there is nothing more.
    ...((token || resource.custom) && { continue: token ?? "" }),
    ...(token && remaining !== undefined && { remainingItemCount: remaining }),
  } as unknown as ObjectMeta;
}

function listObject(answer: ListAnswer, options: RenderOptions): AnyObject {
  const { resource, items } = answer;
  const { as, asVersion } = options.form;
  const objects = items.map((item) => objectOf(resource, item));
  const metadata = listMetadata(answer);
  if (as === "Table") {
    const { tableOrder } = resource.kind;
    if (tableOrder) objects.sort(tableOrder);
    const { continue: token, ...rest } = metadata as { continue?: string };
    return tableOf(resource, objects, token ? metadata : rest, tableOptions(options, true));
  }
  if (as === "PartialObjectMetadata")
    throw new StatusError(
      "NotAcceptable",
      `you requested PartialObjectMetadata, but the requested object is a list (*${goType(resource, "List")})`,
    );
  if (as === "PartialObjectMetadataList")
    return {
      kind: "PartialObjectMetadataList",
      apiVersion: `meta.k8s.io/${asVersion}`,
      metadata,
      items: objects.map((object) => metadataOnly(resource, object, asVersion)),
    };
  const { kind, groupVersion, custom } = resource;
  return {
    kind: `${kind.kind}List`,
    apiVersion: groupVersion,
    metadata,
    items: custom ? objects : objects.map(({ kind: _, apiVersion: __, ...item }) => item),
  };
}

export function objectOf(resource: Resource, item: ListItem): AnyObject {
  return isEntry(item) ? objectIn(resource, item) : item.object;
}

function isEntry(item: ListItem): item is Entry {
  return "modRevision" in item;
}

const comma = Buffer.from(",");
const brace = Buffer.from("{");
const close = Buffer.from("]}\n");

/** A list as the bytes that are held, with what a list adds in between. */
function listParts(answer: ListAnswer): Buffer[] {
  const { resource, items } = answer;
  const head = JSON.stringify({
    kind: `${resource.kind.kind}List`,
    apiVersion: resource.groupVersion,
    metadata: listMetadata(answer),
  });
  const parts: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  for (const [i, item] of items.entries()) {
    if (i > 0) parts.push(comma);
    if (!isEntry(item)) parts.push(unended(encode(itemOf(resource, item.object))));
    else if (resource.custom) parts.push(unended(bytesIn(resource, item)));
    else if (resource.stored) parts.push(unended(encode(itemOf(resource, objectIn(resource, item)))));
    else parts.push(brace, item.value.subarray(resource.itemOffset, item.value.length - 1));
  }
  parts.push(close);
  return parts;
}

function itemOf({ custom }: Resource, object: AnyObject): unknown {
  if (custom) return object;
  const { kind: _, apiVersion: __, ...item } = object;
  return item;
}
