import { invalid, Path } from "../../api/field.ts";
import type { Subresource } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { applyPatch } from "../../api/patch/apply.ts";
import { trackUpdate, type Writer } from "../../api/patch/managed.ts";
import { typeNode } from "../../api/schema/table.ts";
import { type LabelSelector, selectorText } from "../../api/selector.ts";
import { conflict, internalError, notFound } from "../../api/status.ts";
import { scaleBody } from "../actions/action.ts";
import type { Call } from "../call.ts";
import type { Answer } from "./answer.ts";
import { convertAnswer, convertEntries } from "./custom/forms.ts";
import type { Registry } from "./deps.ts";
import { objectIn } from "./held.ts";
import { timestamp } from "./metadata.ts";
import { appliedConfiguration, patchedAs, plainDocument, refuseStrategic } from "./patch.ts";
import { setAt, valueAt } from "./paths.ts";
import type { PatchBody } from "./perform.ts";
import { storeKey } from "./resources.ts";
import { managersAfterScale, scaleManagers } from "./scale-managers.ts";
import { refuseOtherName, updateObject } from "./update.ts";

export type ScaleSubresource = Extract<Subresource, { sort: "scale" }>;

/** An object seen as autoscaling/v1 Scale (API reference, "Scale"). */
function scaleOf(object: AnyObject, { specReplicas, statusReplicas, selector }: ScaleSubresource): AnyObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, specReplicas);
  const text = selector === undefined ? "" : selectorAsText(valueAt(object, selector));
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp && { creationTimestamp }),
    },
    spec: replicas ? { replicas } : {},
    status: { replicas: valueAt(object, statusReplicas) ?? 0, ...(text && { selector: text }) },
  };
}

function selectorAsText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "";
  if ("matchLabels" in value || "matchExpressions" in value) return selectorText(value as LabelSelector);
  return selectorText({ matchLabels: value as Record<string, string> });
}

export async function getScale({ store }: Registry, call: Call, scale: ScaleSubresource): Promise<Answer> {
  const { resource, namespace, name = "" } = call;
  const entry = store.get(storeKey(resource, namespace, name));
  if (!entry) throw notFound(resource.name, name);
  await convertEntries(resource, [entry]);
  const object = objectIn(resource, entry);
  if (resource.custom && valueAt(object, scale.specReplicas) === undefined)
    throw internalError(`the spec replicas field ${JSON.stringify(scale.specReplicas)} does not exist`);
  return { sort: "object", code: 200, resource: undefined, object: scaleOf(object, scale) };
}

export async function updateScale(
  registry: Registry,
  call: Call,
  scale: ScaleSubresource,
  body: AnyObject,
): Promise<Answer> {
  refuseOtherName(call, body);
  return rescaled(registry, call, scale, (old) => tracked(registry, call, old, structuredClone(body)));
}

export async function patchScale(
  registry: Registry,
  call: Call,
  scale: ScaleSubresource,
  patch: PatchBody,
): Promise<Answer> {
  refuseStrategic(call, patch);
  return rescaled(registry, call, scale, (old) => {
    if (patch.type === "apply") {
      const writer = writerFrom(registry, call);
      const configuration = appliedConfiguration(scaleBody, plainDocument(patch.document));
      const force = call.options.force ?? false;
      return applyPatch({ live: old, patch: configuration, node: scaleNode, writer, force }) as AnyObject;
    }
    const next = patchedAs(call, scaleBody, patch, old);
    refuseOtherName(call, next);
    return tracked(registry, call, old, next);
  });
}

const scaleNode = typeNode(scaleBody.type);

function writerFrom({ clock }: Registry, { fieldManager, subresource }: Call): Writer {
  const now = timestamp(clock.now());
  return { manager: fieldManager, apiVersion: "autoscaling/v1", subresource, now, ignored: [["status"]] };
}

function tracked(registry: Registry, call: Call, old: AnyObject, next: AnyObject): AnyObject {
  trackUpdate(old, next, scaleNode, writerFrom(registry, call));
  return next;
}

/** Writes the number of replicas that a changed Scale names. */
async function rescaled(
  registry: Registry,
  call: Call,
  scale: ScaleSubresource,
  change: (old: AnyObject) => AnyObject,
): Promise<Answer> {
  const { resource, name = "" } = call;
  const answer = await updateObject(registry, call, {
    isApplied: true,
    admittedAs: (object) => scaleOf(object, scale),
    change: async (old) => {
      const { managedFields = [] } = old.metadata;
      const before = scaleOf(old, scale);
      const managers = scaleManagers(managedFields, scale.specReplicas);
      const metadata = { ...before.metadata, ...(managers.length > 0 && { managedFields: managers }) };
      const next = change({ ...before, metadata });
      await registry.admission.mutate({ call, operation: "UPDATE", object: next, old: before });
      refuseInvalid(call, next, scale);
      const { uid, resourceVersion } = next.metadata ?? {};
      if (uid && uid !== old.metadata.uid)
        throw conflict(
          resource.name,
          name,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
        );
      const object = structuredClone(old);
      setAt(object, scale.specReplicas, valueAt(next, "spec.replicas") ?? 0);
      // Who scales a custom resource is noted nowhere; who owned the number does so no more.
      const scaled = resource.custom ? [] : (next.metadata.managedFields ?? []);
      object.metadata.managedFields = managersAfterScale(managedFields, scaled, {
        path: scale.specReplicas,
        apiVersion: resource.groupVersion,
      });
      // A Scale may be written whatever it was before, even where its object may not.
      if (resourceVersion) object.metadata.resourceVersion = resourceVersion;
      else if (!resource.custom) delete object.metadata.resourceVersion;
      return object;
    },
  });
  await convertAnswer(answer);
  const object =
    answer.sort === "entry" ? objectIn(resource, answer.entry) : answer.sort === "object" ? answer.object : undefined;
  if (!object) return answer;
  return { sort: "object", code: 200, resource: undefined, object: scaleOf(object, scale) };
}

function refuseInvalid({ resource, name = "" }: Call, scale: AnyObject, { specReplicas }: ScaleSubresource): void {
  const replicas = Number(valueAt(scale, "spec.replicas") ?? 0);
  if (replicas >= 0) return;
  if (resource.custom)
    throw invalid(resource.kind, name, [new Path(specReplicas).invalid(replicas, "should be a non-negative integer")]);
  throw invalid({ group: "autoscaling", kind: "Scale" }, scale.metadata.name, [
    new Path("spec.replicas").invalid(replicas, "must be greater than or equal to 0"),
  ]);
}
