import { isDeepStrictEqual } from "node:util";
import type { Kind } from "../api/kind.ts";
import { controllerRevision } from "../api/kinds/apps/controller-revision.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { isLeaving, type KubeObject, keyOf, type OwnerReference } from "../api/object.ts";
import type { ControllerRevision, Pod, PodTemplateSpec } from "../api/schema/types.ts";
import type { LabelSelector } from "../api/selector.ts";
import type { Cache } from "../client/cache.ts";
import { deletion, type WriteStep } from "../client/carry-out.ts";
import type { Client, Unsaved } from "../client/client.ts";
import type { Watched } from "../client/controller.ts";
import { claimIn, controlledBy, ownersOf, settleClaim } from "./ownership.ts";
import { creationUnlessLeaving } from "./pod-writes.ts";
import { shortHash, sorted } from "./short-hash.ts";

/** The label by which a pod says which revision of its owner's template it was made from. */
export const revisionLabel = "controller-revision-hash";

type Templated = KubeObject & {
  spec: { selector: LabelSelector; template: PodTemplateSpec; revisionHistoryLimit?: number };
};

/** What an owner with revisions has around it. */
export interface Family {
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  /** The reference by which both say whose they are. */
  readonly reference: OwnerReference;
  /** The writes by which orphans are taken in and strangers let go; while there are any, the rest waits for them. */
  readonly adopting: readonly WriteStep[];
}

/** The pods and revisions of an owner; `isMember` leaves pods out that only look as if they were its own. */
export function familyOf<T extends Templated>(
  kind: Kind<T>,
  owner: T,
  { cache, client, isMember = () => true }: { cache: Cache; client: Client; isMember?: (pod: Pod) => boolean },
): Family {
  const from = { owner, selector: owner.spec.selector };
  const revisions = claimIn(cache, controllerRevision, from);
  const pods = claimIn(cache, pod, { ...from, counts: isMember });
  const reference = controlledBy(kind, owner);
  return {
    pods: pods.owned,
    revisions: revisions.owned,
    reference,
    adopting: [
      ...settleClaim(client, controllerRevision, revisions, reference),
      ...settleClaim(client, pod, pods, reference),
    ],
  };
}

/** The watches by which an owner with revisions learns of its family. */
export function watchFamily<T extends Templated>(kind: Kind<T>): readonly Watched[] {
  const keys = ownersOf(kind, ({ spec }) => spec.selector);
  return [
    { kind: pod, keys },
    { kind: controllerRevision, keys },
  ];
}

/** The templates that an owner has had. */
export interface History {
  /** That of today's template; one that is still to be created when `isNew`. */
  readonly current: ControllerRevision;
  readonly isNew: boolean;
  /** The number that the current one should have; it is higher than its own after a way back to an earlier template. */
  readonly number: number;
  /** The others, oldest first. */
  readonly old: readonly ControllerRevision[];
}

export function historyOf(
  owner: Templated,
  owned: readonly ControllerRevision[],
  { hashLabel, reference }: { hashLabel: string; reference: OwnerReference },
): History {
  const data = dataOf(owner.spec.template);
  const sorted = owned.filter((one) => !isLeaving(one)).sort((a, b) => a.revision - b.revision);
  const present = sorted.findLast((one) => isDeepStrictEqual(one.data, data));
  const old = sorted.filter((one) => one !== present);
  const number = Math.max(present?.revision ?? 0, (old.at(-1)?.revision ?? 0) + 1);
  if (present) return { current: present, isNew: false, number, old };
  const hash = shortHash(data);
  const { namespace, annotations, name } = owner.metadata;
  const current = {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace && { namespace }),
      labels: { ...owner.spec.template.metadata?.labels, [hashLabel]: hash },
      ...(annotations && { annotations }),
      ownerReferences: [reference],
    },
    data,
    revision: number,
  };
  return { current, isNew: true, number, old };
}

/** The writes after which the current revision is there and has its number. */
export function keepCurrent(client: Client, { current, isNew, number }: History): WriteStep[] {
  if (isNew)
    return [creationUnlessLeaving(() => client.create(controllerRevision, current as Unsaved<ControllerRevision>))];
  if (current.revision === number) return [];
  return [() => client.patch(controllerRevision, keyOf(current), { type: "merge", document: { revision: number } })];
}

/** The revisions that were before the current one, oldest first, and how they count towards the limit. */
export interface Past {
  readonly old: readonly ControllerRevision[];
  /** Whether pods of it are there. */
  readonly isLive: (revision: ControllerRevision) => boolean;
  /** Whether those that pods have count too. */
  readonly countsLive: boolean;
}

/** The revisions that no pod has and that are more than the limit, oldest first; a negative limit keeps all of them. */
export function surplusOf({ spec }: Templated, { old, isLive, countsLive }: Past): readonly ControllerRevision[] {
  const { revisionHistoryLimit: limit = 10 } = spec;
  if (limit < 0) return [];
  const idle = old.filter((one) => !isLive(one));
  const counted = countsLive ? old : idle;
  return idle.slice(0, Math.max(0, counted.length - limit));
}

/** The writes that remove what is surplus. */
export function forgetOld(client: Client, owner: Templated, past: Past): WriteStep[] {
  return surplusOf(owner, past).map((one) => deletion(client, controllerRevision, one));
}

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (data as { spec: { template: PodTemplateSpec & { $patch: string } } }).spec
    .template;
  return template;
}

export function revisionOfPod({ metadata }: Pod): string | undefined {
  return metadata.labels?.[revisionLabel];
}

/**
 * A strategic merge patch that brings the template back: what kubectl's "rollout undo" sends. kubectl compares it byte by
 * byte with what it makes of today's template itself, as Go writes it: with sorted names.
 */
function dataOf(template: PodTemplateSpec): unknown {
  return sorted({ spec: { template: { $patch: "replace", ...template } } });
}
