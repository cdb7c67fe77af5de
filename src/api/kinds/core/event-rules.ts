import type { FieldError, Path } from "../../field.ts";
import type { Event } from "../../schema/types.ts";
import { dnsLabel } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";

/** Kinds without a namespace: their events may lie in any. */
const clusterWide = new Set(["Node", "Namespace", "PersistentVolume"]);

/** What holds for events as the core group writes them. */
export function validateStoredEvent(event: Event, root: Path): FieldError[] {
  const at = root.child("involvedObject", "namespace");
  const { namespace: place = "" } = event.metadata;
  const { namespace = "", kind = "" } = event.involvedObject ?? {};
  if (namespace === "") {
    const wrongPlace = place !== "" && place !== "default" && place !== "kube-system";
    return wrongPlace && !clusterWide.has(kind) ? [at.invalid(namespace, "does not match event.namespace")] : [];
  }
  return namespace === place
    ? validateText(dnsLabel, place, root.child("namespace"))
    : [at.invalid(namespace, "does not match event.namespace")];
}
