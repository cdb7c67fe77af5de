import { defaultClassOf, defaultStorageClassAnnotations } from "../../api/default-class.ts";
import type { AnyObject } from "../../api/object.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { AdmissionStep } from "./admission.ts";

interface Classes {
  /** The bucket of what gets a class, and the field that names it. */
  readonly of: string;
  readonly field: string;
  /** Where classes lie, and the annotations that make one of them the default. */
  readonly prefix: string;
  readonly annotations: readonly string[];
  /** Where a class could be named already in an older way. */
  readonly olderAnnotation: string;
}

const storage: Classes = {
  of: "persistentvolumeclaims",
  field: "storageClassName",
  prefix: "/storageclasses.storage.k8s.io/",
  annotations: defaultStorageClassAnnotations,
  olderAnnotation: "volume.beta.kubernetes.io/storage-class",
};

const ingress: Classes = {
  of: "ingresses.networking.k8s.io",
  field: "ingressClassName",
  prefix: "/ingressclasses.networking.k8s.io/",
  annotations: ["ingressclass.kubernetes.io/is-default-class"],
  olderAnnotation: "kubernetes.io/ingress.class",
};

/** Claims and ingresses that name no class get the cluster's default one, the youngest if there are several. */
export function defaultClasses({ store }: { readonly store: Store }): AdmissionStep[] {
  return [
    { name: "DefaultStorageClass", mutate: defaulter(store, storage) },
    { name: "DefaultIngressClass", mutate: defaulter(store, ingress) },
  ];
}

function defaulter(store: Store, classes: Classes): NonNullable<AdmissionStep["mutate"]> {
  return ({ call, operation, object }) => {
    if (operation !== "CREATE" || call.resource.bucket !== classes.of || call.subresource || !object) return;
    const spec = object.spec as Record<string, unknown> | undefined;
    if (!spec || spec[classes.field] !== undefined) return;
    if (object.metadata.annotations?.[classes.olderAnnotation] !== undefined) return;
    const chosen = defaultOf(store, classes);
    if (chosen) spec[classes.field] = chosen.metadata.name;
  };
}

function defaultOf(store: Store, { prefix, annotations }: Classes): AnyObject | undefined {
  return defaultClassOf(store.list(prefix).entries.map(heldObject), annotations);
}
