import { defineKind } from "../../kind.ts";
import { hasEnded } from "../../pod-phase.ts";
import { qosClassOf } from "../../qos.ts";
import type { Pod, PodStatus } from "../../schema/types.ts";
import { timeText } from "../../time.ts";
import { addressWarnings } from "../../validate/addresses.ts";
import { adoptAppArmorAnnotations } from "../../validate/pod-profiles.ts";
import { podColumns } from "./pod-columns.ts";
import { mergeMatchLabelKeys } from "./pod-match-keys.ts";
import { validatePod, validatePodCreation, validatePodPart, validatePodUpdate } from "./pod-rules.ts";
import { podWarnings } from "./pod-warnings.ts";
import { proxyVerbs } from "./proxy-verbs.ts";

/** What a write of a part of the spec leaves as it was. */
const keeps = ["metadata.labels", "metadata.annotations", "metadata.finalizers", "metadata.ownerReferences"];

export const pod = defineKind<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    attach: { sort: "action", action: "attach", verbs: ["create", "get"], kind: "PodAttachOptions" },
    binding: { sort: "action", action: "binding", verbs: ["create"], kind: "Binding" },
    ephemeralcontainers: { sort: "part", owns: ["spec.ephemeralContainers"], keeps, verbs: ["get", "patch", "update"] },
    eviction: {
      sort: "action",
      action: "eviction",
      verbs: ["create"],
      kind: "Eviction",
      group: "policy",
      version: "v1",
    },
    exec: { sort: "action", action: "exec", verbs: ["create", "get"], kind: "PodExecOptions" },
    log: { sort: "action", action: "log", verbs: ["get"], kind: "Pod" },
    portforward: { sort: "action", action: "portforward", verbs: ["create", "get"], kind: "PodPortForwardOptions" },
    proxy: { sort: "action", action: "proxy", verbs: proxyVerbs, kind: "PodProxyOptions" },
    resize: {
      sort: "part",
      owns: ["spec.containers", "spec.initContainers"],
      keeps,
      verbs: ["get", "patch", "update"],
    },
    status: true,
  },
  generation: true,
  selectable: [
    "spec.nodeName",
    // What clients of long ago call it.
    { field: "spec.host", value: ({ spec }) => spec.nodeName ?? "" },
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    { field: "spec.hostNetwork", value: ({ spec }) => String(spec.hostNetwork ?? false) },
    "status.phase",
    { field: "status.podIP", value: ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? "" },
    // A name that is known and that no pod has a value for.
    { field: "status.podIPs", value: () => "" },
    "status.nominatedNodeName",
  ],
  columns: podColumns,
  deletion: { graceSeconds: graceOf, answersObject: true },

  prepareCreate(pod, { now, warn }) {
    const { spec } = pod;
    pod.status = { phase: "Pending", qosClass: qosClassOf(spec) };
    if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
    if (spec.schedulingGates?.length)
      pod.status.conditions = [
        {
          type: "PodScheduled",
          status: "False",
          lastTransitionTime: timeText(now),
          reason: "SchedulingGated",
          message: "Scheduling is blocked due to non-empty scheduling gates",
        },
      ];
    mergeMatchLabelKeys(pod);
    adoptAppArmorAnnotations(pod, warn);
  },

  prepareSubresource(subresource, pod, old) {
    if (subresource === "status") keepWhatStatusMayNotChange(pod, old);
    if (subresource === "resize") resizeOnly(pod, old);
  },

  validate: validatePod,
  validateCreate: validatePodCreation,
  validateUpdate: validatePodUpdate,
  validateSubresource: validatePodPart,
  warnings: podWarnings,
  subresourceWarnings: (subresource, { status }) =>
    subresource === "status"
      ? (["podIPs", "hostIPs"] as const).flatMap((list) =>
          (status?.[list] ?? []).flatMap(({ ip = "" }, i) => addressWarnings(ip, `status.${list}[${i}].ip`)),
        )
      : [],
});

/** Kubernetes docs, "Pod Lifecycle", section "Termination of Pods": only what runs somewhere needs time. */
function graceOf({ spec, status }: Pod, asked: number | undefined): number {
  if (!spec.nodeName || hasEnded({ status })) return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

/** Whoever reports on a pod does not own it, nor decide its class. */
function keepWhatStatusMayNotChange(pod: Pod, old: Pod): void {
  if (old.metadata.ownerReferences) pod.metadata.ownerReferences = old.metadata.ownerReferences;
  else delete pod.metadata.ownerReferences;
  if (!pod.status) return;
  if (old.status?.qosClass) pod.status.qosClass ||= old.status.qosClass;
  keepObservedGenerations(pod.status, old.status);
}

/** Of which generation a status was: a reporter that does not know the field does not take it away. */
function keepObservedGenerations(status: PodStatus, old: PodStatus = {}): void {
  if (old.observedGeneration) status.observedGeneration ||= old.observedGeneration;
  const before = new Map<string, number[]>();
  for (const { type, observedGeneration = 0 } of old.conditions ?? [])
    before.set(type, [...(before.get(type) ?? []), observedGeneration]);
  for (const condition of status.conditions ?? []) {
    const generation = before.get(condition.type)?.shift();
    if (generation) condition.observedGeneration ||= generation;
  }
}

/** Of the containers only what they ask for, and how they are told, is taken over. */
function resizeOnly(pod: Pod, old: Pod): void {
  for (const list of ["containers", "initContainers"] as const) {
    const wanted = new Map((pod.spec[list] ?? []).map((container) => [container.name, container]));
    const kept = (old.spec[list] ?? []).map((container) => {
      const next = wanted.get(container.name);
      if (!next) return container;
      const { resources: _, resizePolicy: __, ...rest } = container;
      return {
        ...rest,
        ...(next.resources && { resources: next.resources }),
        ...(next.resizePolicy && { resizePolicy: next.resizePolicy }),
      };
    });
    if (old.spec[list]) pod.spec[list] = kept;
    else if (list === "initContainers") delete pod.spec.initContainers;
  }
}
