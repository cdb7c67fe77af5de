import { invalid } from "../../api/field.ts";
import type { AnyObject } from "../../api/object.ts";
import type { PodSpec, PodTemplateSpec } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { type CheckedPod, everyContainer } from "./pod-security/check.ts";
import { detailsOf, violationsOf } from "./pod-security/evaluate.ts";
import {
  compareLevels,
  isSameStandard,
  type Policy,
  policyFrom,
  type Standard,
  standardText,
} from "./pod-security/policy.ts";
import { refused } from "./refused.ts";

// Existing pods that are looked at when a namespace's level rises.
const mostChecked = 3000;

/** Holds pods to the standard that their namespace's labels name (Kubernetes docs, "Pod Security Admission"). */
export function podSecurity({ store }: { readonly store: Store }): AdmissionStep {
  const policyIn = ({ call }: Review): Policy => {
    const entry = store.latest(`/namespaces/${call.namespace}`);
    return policyFrom(entry && heldObject(entry).metadata.labels);
  };
  return {
    name: "PodSecurity",
    validate(review) {
      const { call, object, operation } = review;
      if (!object || (operation !== "CREATE" && operation !== "UPDATE")) return;
      const { bucket } = call.resource;
      if (bucket === "namespaces") checkNamespace(store, review, object);
      else if (bucket === "pods") checkPod(review, object, policyIn);
      else if (!call.subresource) checkTemplate(review, templateIn[bucket]?.(object), policyIn);
    },
  };
}

function checkNamespace(store: Store, { call, operation, old }: Review, namespace: AnyObject): void {
  if (call.subresource) return;
  const policy = policyFrom(namespace.metadata.labels);
  const before = operation === "UPDATE" ? policyFrom(old?.metadata.labels) : undefined;
  // Labels that were wrong already hinder nobody who changes something else.
  if (policy.errors.length > 0 && JSON.stringify(policy.errors) !== JSON.stringify(before?.errors))
    throw invalid(call.resource.home, namespace.metadata.name, policy.errors);
  if (!before || isRelaxed(policy.enforce, before.enforce)) return;
  for (const text of warningsFor(store, namespace.metadata.name, policy.enforce)) call.warn(text);
}

function isRelaxed(now: Standard, before: Standard): boolean {
  if (isSameStandard(now, before) || now.level === "privileged") return true;
  return now.minor === before.minor && compareLevels(now.level, before.level) <= 0;
}

/** Which pods of a namespace would not be let in any more. */
function warningsFor(store: Store, namespace: string, standard: Standard): string[] {
  const { entries, remaining } = store.list(`/pods/${namespace}/`, { limit: mostChecked });
  const byFault = new Map<string, string[]>();
  for (const pod of entries.map(heldObject)) {
    const violations = violationsOf(podOf(pod), standard);
    if (violations.length === 0) continue;
    const fault = violations.map(({ reason }) => reason).join(", ");
    byFault.set(fault, [...(byFault.get(fault) ?? []), pod.metadata.name]);
  }
  const warnings = [...byFault].map(
    ([fault, [first = "", ...others]]) => `${first}${andOthers(others.length)}: ${fault}`,
  );
  const level = JSON.stringify(standardText(standard));
  return [
    ...(remaining > 0
      ? [
          `new PodSecurity enforce level only checked against the first ${entries.length} of ${entries.length + remaining} existing pods`,
        ]
      : []),
    ...(warnings.length > 0
      ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${level}`]
      : []),
    ...warnings.sort(),
  ];
}

function andOthers(count: number): string {
  if (count === 0) return "";
  return count === 1 ? " (and 1 other pod)" : ` (and ${count} other pods)`;
}

// Subresources of a pod whose bodies are no pods, or that change nothing of what it may.
const harmless = new Set(["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]);

function checkPod(review: Review, object: AnyObject, policyIn: (review: Review) => Policy): void {
  const { call, operation, old } = review;
  if (call.subresource && harmless.has(call.subresource)) return;
  const pod = podOf(object);
  if (operation === "UPDATE" && old && !isSignificant(pod, podOf(old))) return;
  const { enforce, warn, audit } = policyIn(review);
  const violations = violationsOf(pod, enforce);
  call.annotate?.("pod-security.kubernetes.io/enforce-policy", standardText(enforce));
  recordOf(review, pod, audit);
  if (violations.length > 0)
    throw refused(review, `violates PodSecurity ${JSON.stringify(standardText(enforce))}: ${detailsOf(violations)}`);
  warnOf(review, pod, warn);
}

/** Controllers may have templates that no pod can be made from: those who write them are told, and go on. */
function checkTemplate(
  review: Review,
  template: PodTemplateSpec | undefined,
  policyIn: (review: Review) => Policy,
): void {
  if (!template?.spec) return;
  const { warn, audit } = policyIn(review);
  const pod = { metadata: template.metadata ?? {}, spec: template.spec };
  recordOf(review, pod, audit);
  warnOf(review, pod, warn);
}

function warnOf({ call }: Review, pod: CheckedPod, standard: Standard): void {
  const fault = faultOf(pod, standard);
  if (fault !== undefined) call.warn(fault);
}

function recordOf({ call: { annotate } }: Review, pod: CheckedPod, standard: Standard): void {
  const fault = annotate && faultOf(pod, standard);
  if (fault !== undefined) annotate?.("pod-security.kubernetes.io/audit-violations", fault);
}

function faultOf(pod: CheckedPod, standard: Standard): string | undefined {
  const violations = violationsOf(pod, standard);
  if (violations.length === 0) return undefined;
  return `would violate PodSecurity ${JSON.stringify(standardText(standard))}: ${detailsOf(violations)}`;
}

function podOf({ metadata, spec }: AnyObject): CheckedPod {
  return { metadata, spec: (spec ?? {}) as PodSpec };
}

/** Whether other programs run now than before: nothing else about a pod that is there can become worse. */
function isSignificant(pod: CheckedPod, before: CheckedPod): boolean {
  const known = everyContainer(before);
  const all = everyContainer(pod);
  return (
    all.length !== known.length ||
    all.some(({ name, image }) => known.find((container) => container.name === name)?.image !== image)
  );
}

type Templated = { spec?: { template?: PodTemplateSpec } };
const inSpec = (object: AnyObject): PodTemplateSpec | undefined => (object as unknown as Templated).spec?.template;

const templateIn: Readonly<Record<string, (object: AnyObject) => PodTemplateSpec | undefined>> = {
  replicationcontrollers: inSpec,
  "replicasets.apps": inSpec,
  "deployments.apps": inSpec,
  "statefulsets.apps": inSpec,
  "daemonsets.apps": inSpec,
  "jobs.batch": inSpec,
  podtemplates: (object) => object.template as PodTemplateSpec | undefined,
  "cronjobs.batch": (object) =>
    (object as unknown as { spec?: { jobTemplate?: Templated } }).spec?.jobTemplate?.spec?.template,
};
