import { defineKind } from "../../kind.ts";
import { qosClassOf } from "../../qos.ts";
import type { Pod } from "../../schema/types.ts";
import { timeText } from "../../time.ts";
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
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    { field: "spec.hostNetwork", value: ({ spec }) => String(spec.hostNetwork ?? false) },
    "status.phase",
    { field: "status.podIP", value: ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? "" },
    { field: "status.podIPs", value: ({ status }) => status?.podIPs?.[0]?.ip ?? "" },
    "status.nominatedNodeName",
  ],
  columns: podColumns,
  deletion: { graceSeconds: graceOf, answersObject: true },

  prepareCreate(pod, { now }) {
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
});

/** Kubernetes docs, "Pod Lifecycle", section "Termination of Pods": only what runs somewhere needs time. */
function graceOf({ spec, status }: Pod, asked: number | undefined): number {
  if (!spec.nodeName || status?.phase === "Failed" || status?.phase === "Succeeded") return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

/** Whoever reports on a pod does not own it, nor decide its class. */
function keepWhatStatusMayNotChange(pod: Pod, old: Pod): void {
  if (old.metadata.ownerReferences) pod.metadata.ownerReferences = old.metadata.ownerReferences;
  else delete pod.metadata.ownerReferences;
  if (pod.status && old.status?.qosClass) pod.status.qosClass ||= old.status.qosClass;
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
