import type { KubeObject } from "../api/object.ts";
import type { Node } from "../api/schema/types.ts";
import type { PodInfo } from "./pod-info.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Why a node is not for this pod. */
export interface Rejection {
  /** Texts as they stand in FailedScheduling, without the count in front. */
  readonly reasons: readonly string[];
  /** Whether the removal of other pods from the node could help. */
  readonly curable: boolean;
}

/** What a plugin says of a pod, whatever the node. */
export type Filter =
  | {
      readonly sort: "nodes";
      readonly rejects: (node: NodeState) => Rejection | undefined;
      readonly only?: ReadonlySet<string>;
    }
  /** The pod fits nowhere until something else changes. */
  | { readonly sort: "nowhere"; readonly reason: string };

export interface Scorer {
  /** For each node that passed the filters; any scale. */
  readonly score: (node: NodeState) => number;
  /** Brings the scores to 0 … 100; they are left as they are unless said. */
  readonly normalize?: (scores: readonly number[]) => readonly number[];
}

/** Something happened in the cluster that could make room. `before` is absent for an addition, `after` for a removal. */
export type ClusterChange =
  | { readonly of: "node"; readonly before?: Node | undefined; readonly after?: Node | undefined }
  | { readonly of: "pod"; readonly before?: PodInfo | undefined; readonly after?: PodInfo | undefined }
  | { readonly of: "object"; readonly before?: KubeObject | undefined; readonly after?: KubeObject | undefined };

/** What a plugin sets aside when a node has been chosen, until the pod is bound or the try is given up. */
export interface Reservation {
  /** Does what must be true before the pod is bound. An error means that the pod is tried again. */
  prepare(signal: AbortSignal): Promise<void>;
  release(): void;
}

/** One consideration of the scheduler's. */
export interface Plugin {
  /** Kubernetes' name for it; stands in messages and in configurations. */
  readonly name: string;
  /** Undefined: it has nothing against this pod on any node. */
  filter?(pod: PodInfo, cluster: Snapshot): Filter | undefined;
  /** Undefined: all nodes are alike to it. `candidates` passed the filters. */
  score?(pod: PodInfo, cluster: Snapshot, candidates: readonly NodeState[]): Scorer | undefined;
  /** Whether a pod that it rejected should be tried again after this change; always unless said. */
  mayHelp?(pod: PodInfo, change: ClusterChange): boolean;
  /** Whether a pod that it rejected should be tried again because it was itself changed; never unless said. */
  ownChangeMayHelp?(before: PodInfo, after: PodInfo): boolean;
  /** Undefined: nothing has to be done before the pod is bound to the node. */
  reserve?(pod: PodInfo, node: NodeState): Reservation | undefined;
}

/** Scores from 0 to 100 in proportion to the largest; turned round when small is good. */
export function inProportion(scores: readonly number[], { smallIsGood = false } = {}): readonly number[] {
  const max = Math.max(0, ...scores);
  if (max === 0) return scores.map(() => (smallIsGood ? 100 : 0));
  return scores.map((score) => {
    const share = Math.floor((score * 100) / max);
    return smallIsGood ? 100 - share : share;
  });
}
