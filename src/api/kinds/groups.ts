import type { Kind } from "../kind.ts";
import { mutatingAdmissionPolicy } from "./admissionregistration/mutatingadmissionpolicy.ts";
import { mutatingAdmissionPolicyBinding } from "./admissionregistration/mutatingadmissionpolicybinding.ts";
import { mutatingWebhookConfiguration } from "./admissionregistration/mutatingwebhookconfiguration.ts";
import { validatingAdmissionPolicy } from "./admissionregistration/validatingadmissionpolicy.ts";
import { validatingAdmissionPolicyBinding } from "./admissionregistration/validatingadmissionpolicybinding.ts";
import { validatingWebhookConfiguration } from "./admissionregistration/validatingwebhookconfiguration.ts";
import { customResourceDefinition } from "./apiextensions/customresourcedefinition.ts";
import { apiService } from "./apiregistration/apiservice.ts";
import { controllerRevision } from "./apps/controllerrevision.ts";
import { daemonSet } from "./apps/daemonset.ts";
import { deployment } from "./apps/deployment.ts";
import { replicaSet } from "./apps/replicaset.ts";
import { statefulSet } from "./apps/statefulset.ts";
import { selfSubjectReview } from "./authentication/selfsubjectreview.ts";
import { tokenReview } from "./authentication/tokenreview.ts";
import { localSubjectAccessReview } from "./authorization/localsubjectaccessreview.ts";
import { selfSubjectAccessReview } from "./authorization/selfsubjectaccessreview.ts";
import { selfSubjectRulesReview } from "./authorization/selfsubjectrulesreview.ts";
import { subjectAccessReview } from "./authorization/subjectaccessreview.ts";
import { horizontalPodAutoscaler } from "./autoscaling/horizontalpodautoscaler.ts";
import { horizontalPodAutoscalerV1 } from "./autoscaling/horizontalpodautoscaler-v1.ts";
import { cronJob } from "./batch/cronjob.ts";
import { job } from "./batch/job.ts";
import { certificateSigningRequest } from "./certificates/certificatesigningrequest.ts";
import { lease } from "./coordination/lease.ts";
import { endpointSlice } from "./discovery/endpointslice.ts";
import { eventsEvent } from "./events/event.ts";
import { flowSchema } from "./flowcontrol/flowschema.ts";
import { priorityLevelConfiguration } from "./flowcontrol/prioritylevelconfiguration.ts";
import { ingress } from "./networking/ingress.ts";
import { ingressClass } from "./networking/ingressclass.ts";
import { ipAddress } from "./networking/ipaddress.ts";
import { networkPolicy } from "./networking/networkpolicy.ts";
import { serviceCIDR } from "./networking/servicecidr.ts";
import { runtimeClass } from "./node/runtimeclass.ts";
import { podDisruptionBudget } from "./policy/poddisruptionbudget.ts";
import { clusterRole } from "./rbac/clusterrole.ts";
import { clusterRoleBinding } from "./rbac/clusterrolebinding.ts";
import { role } from "./rbac/role.ts";
import { roleBinding } from "./rbac/rolebinding.ts";
import { deviceClass } from "./resource/deviceclass.ts";
import { resourceClaim } from "./resource/resourceclaim.ts";
import { resourceClaimTemplate } from "./resource/resourceclaimtemplate.ts";
import { resourceSlice } from "./resource/resourceslice.ts";
import { priorityClass } from "./scheduling/priorityclass.ts";
import { csiDriver } from "./storage/csidriver.ts";
import { csiNode } from "./storage/csinode.ts";
import { csiStorageCapacity } from "./storage/csistoragecapacity.ts";
import { storageClass } from "./storage/storageclass.ts";
import { volumeAttachment } from "./storage/volumeattachment.ts";
import { volumeAttributesClass } from "./storage/volumeattributesclass.ts";

/** The kinds of every group but core, in the order of discovery. */
export const groupKinds: readonly Kind[] = [
  apiService,
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  eventsEvent,
  selfSubjectReview,
  tokenReview,
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
  subjectAccessReview,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  cronJob,
  job,
  certificateSigningRequest,
  ingressClass,
  ingress,
  ipAddress,
  networkPolicy,
  serviceCIDR,
  podDisruptionBudget,
  clusterRoleBinding,
  clusterRole,
  roleBinding,
  role,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  storageClass,
  volumeAttachment,
  volumeAttributesClass,
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  validatingWebhookConfiguration,
  customResourceDefinition,
  priorityClass,
  lease,
  runtimeClass,
  endpointSlice,
  deviceClass,
  resourceClaim,
  resourceClaimTemplate,
  resourceSlice,
  flowSchema,
  priorityLevelConfiguration,
];
