import type { PodAffinityTerm, PodSpec } from "../api/schema/types.ts";
import { selects } from "../api/selector.ts";

/** How a pod feels about the company that a term means. */
export type Feeling = "needs" | "refuses" | "likes" | "dislikes";

/** The labels of namespaces, for affinity terms that select by them. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

export interface Sociable {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a pod wishes for or wants to avoid near it (Kubernetes docs, "Inter-pod affinity and anti-affinity"). */
export interface SocialTerm {
  readonly feeling: Feeling;
  readonly weight: number;
  readonly term: PodAffinityTerm;
  readonly owner: Sociable;
  /** Equal for terms that mean the same pods in the same way, whosever they are. */
  readonly key: string;
}

const none: readonly SocialTerm[] = [];

export function socialTermsOf({ affinity }: PodSpec, owner: Sociable): readonly SocialTerm[] {
  if (!affinity?.podAffinity && !affinity?.podAntiAffinity) return none;
  const found: SocialTerm[] = [];
  const add = (feeling: Feeling, term: PodAffinityTerm, weight = 1): void => {
    const keys = [...(term.matchLabelKeys ?? []), ...(term.mismatchLabelKeys ?? [])];
    const values = keys.map((key) => owner.labels[key] ?? null);
    const key = JSON.stringify([feeling, weight, owner.namespace, values, term]);
    found.push({ feeling, weight, term, owner, key });
  };
  const { podAffinity: near, podAntiAffinity: far } = affinity;
  for (const term of near?.requiredDuringSchedulingIgnoredDuringExecution ?? []) add("needs", term);
  for (const term of far?.requiredDuringSchedulingIgnoredDuringExecution ?? []) add("refuses", term);
  for (const { podAffinityTerm, weight } of near?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    add("likes", podAffinityTerm, weight);
  for (const { podAffinityTerm, weight } of far?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    add("dislikes", podAffinityTerm, weight);
  return found;
}

/** Whether the term means this other pod. */
export function termMeans({ owner, term }: SocialTerm, other: Sociable, namespaceLabels: NamespaceLabels): boolean {
  const { namespaces = [], namespaceSelector, labelSelector } = term;
  const anywhere = namespaces.length === 0 && !namespaceSelector ? [owner.namespace] : namespaces;
  const inNamespace =
    anywhere.includes(other.namespace) ||
    (namespaceSelector !== undefined && selects(namespaceSelector, namespaceLabels(other.namespace) ?? {}));
  if (!inNamespace || !selects(labelSelector, other.labels)) return false;
  const same = (key: string): boolean => !(key in owner.labels) || owner.labels[key] === other.labels[key];
  const differ = (key: string): boolean => !(key in owner.labels) || owner.labels[key] !== other.labels[key];
  return (term.matchLabelKeys ?? []).every(same) && (term.mismatchLabelKeys ?? []).every(differ);
}
