import type {
  Container,
  NodeSpec,
  NodeStatus,
  PersistentVolumeClaimSpec,
  PodSpec,
  VolumeProjection,
} from "./schema/types.ts";
import { openTypeRules } from "./type-rules.ts";

/** A field of a feature that is off in this version: whether a value of the type says it, and how it is taken away. */
interface Disabled<T> {
  uses(value: T): boolean;
  drop(value: T): void;
}

const stopSignal: Disabled<Container> = {
  uses: ({ lifecycle }) => lifecycle?.stopSignal !== undefined,
  drop(container) {
    delete container.lifecycle?.stopSignal;
    if (Object.keys(container.lifecycle ?? {}).length === 0) delete container.lifecycle;
  },
};

/** By type (Kubernetes docs, "Feature Gates"): such fields are read, and not kept. */
const disabled: Readonly<Record<string, Disabled<never>>> = {
  // GenericWorkload
  "io.k8s.api.core.v1.PodSpec": dropping<PodSpec>("schedulingGroup"),
  // ClusterTrustBundleProjection, PodCertificateRequest
  "io.k8s.api.core.v1.VolumeProjection": dropping<VolumeProjection>("clusterTrustBundle", "podCertificate"),
  // ContainerStopSignals
  "io.k8s.api.core.v1.Container": stopSignal,
  "io.k8s.api.core.v1.EphemeralContainer": stopSignal,
  // CrossNamespaceVolumeDataSource
  "io.k8s.api.core.v1.PersistentVolumeClaimSpec": {
    uses: ({ dataSourceRef }: PersistentVolumeClaimSpec) => Boolean(dataSourceRef?.namespace),
    drop(spec: PersistentVolumeClaimSpec) {
      delete spec.dataSourceRef;
    },
  },
  // DynamicKubeletConfig, which is gone
  "io.k8s.api.core.v1.NodeSpec": dropping<NodeSpec>("configSource"),
  "io.k8s.api.core.v1.NodeStatus": dropping<NodeStatus>("config"),
};

function dropping<T extends object>(...fields: readonly (keyof T)[]): Disabled<T> {
  return {
    uses: (value) => fields.some((field) => value[field] !== undefined),
    drop(value) {
      for (const field of fields) delete value[field];
    },
  };
}

const usesDisabled = openTypeRules(
  Object.fromEntries(Object.entries(disabled).map(([type, { uses }]) => [type, uses])),
  { values: false },
);
const dropDisabled = openTypeRules(
  Object.fromEntries(Object.entries(disabled).map(([type, { drop }]) => [type, drop])),
  { values: false },
);

/** Takes away what a written object says of features that are off; what it has said before, it keeps. Changes the object. */
export function dropDisabledFields(object: object, old: object | undefined, type: string): void {
  if (!old || !usesDisabled(old, type)) dropDisabled(object, type);
}
