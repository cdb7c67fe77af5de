import { isDeepStrictEqual } from "node:util";
import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../api/schema/types.ts";
import type { Unsaved } from "../../client/client.ts";
import { annotation, copiedAnnotations, type Limits } from "./limits.ts";
import { hashLabel } from "./template.ts";

export type NewReplicaSet = Unsaved<ReplicaSet>;

/** A ReplicaSet as it was and as it should be; their sizes differ where it is scaled. */
export interface Update {
  readonly before: ReplicaSet;
  readonly after: ReplicaSet;
}

/** A ReplicaSet as a round wants it. What is available counts as the server last said. */
export class Draft {
  readonly name: string;
  readonly template: PodTemplateSpec;
  /** The ReplicaSet that is there; undefined for one that is to be created. */
  readonly original: ReplicaSet | undefined;
  readonly #hash: string;
  /** As it is once the updates asked for so far are made. */
  #updated: ReplicaSet | undefined;
  #annotations: Record<string, string>;
  replicas: number;
  minReadySeconds: number | undefined;

  constructor(original: ReplicaSet | undefined, blank?: { name: string; hash: string; template: PodTemplateSpec }) {
    this.original = original;
    this.#updated = original;
    this.name = original?.metadata.name ?? blank?.name ?? "";
    this.template = original?.spec.template ?? blank?.template ?? {};
    this.#hash = blank?.hash ?? "";
    this.#annotations = { ...original?.metadata.annotations };
    this.replicas = original ? (original.spec.replicas ?? 1) : 0;
    this.minReadySeconds = original?.spec.minReadySeconds;
  }

  /** A ReplicaSet for the Deployment's present template. */
  static blank(from: { name: string; hash: string; revision: bigint; deployment: Deployment }): Draft {
    const { name, hash, revision, deployment } = from;
    const draft = new Draft(undefined, { name, hash, template: deployment.spec.template });
    draft.#annotations = { ...copiedAnnotations(deployment), [annotation.revision]: String(revision) };
    draft.minReadySeconds = deployment.spec.minReadySeconds;
    return draft;
  }

  get isNew(): boolean {
    return this.original === undefined;
  }
  get available(): number {
    return this.original?.status?.availableReplicas ?? 0;
  }
  /** Whether what it says of its pods is about its present size. */
  get #isHeard(): boolean {
    const { metadata, status } = this.original ?? {};
    return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  }
  /** Those of the available pods that stay: what is beyond the wanted size is on its way out. */
  get surelyAvailable(): number {
    return this.#isHeard ? Math.min(this.available, this.replicas) : 0;
  }
  /** How many pods it has beyond the wanted size, for all that is known. */
  get surplus(): number {
    return this.#isHeard
      ? Math.max(0, (this.original?.status?.replicas ?? 0) - this.replicas)
      : Number.POSITIVE_INFINITY;
  }
  /** An int64 as Kubernetes counts: people may set numbers that a double cannot hold. 0 where it is none. */
  get revision(): bigint {
    const text = this.#annotations[annotation.revision] ?? "";
    return /^-?\d+$/.test(text) ? BigInt(text) : 0n;
  }
  /** For how many replicas of the Deployment it was last scaled. */
  get desired(): number | undefined {
    return numberFrom(this.#annotations[annotation.desired]);
  }
  /** How many pods the Deployment could have had then. */
  get max(): number | undefined {
    return numberFrom(this.#annotations[annotation.max]);
  }

  /** Sets the number of pods, and for how many of the Deployment it is; returns whether it is another one. */
  scale(replicas: number, limits: Limits): boolean {
    const differs = replicas !== this.replicas;
    this.replicas = replicas;
    this.#annotations[annotation.desired] = String(limits.replicas);
    this.#annotations[annotation.max] = String(limits.replicas + limits.maxSurge);
    return differs;
  }

  /** It is the newest (again): its old number goes to the history. */
  raiseRevision(revision: bigint, copied: Record<string, string>): void {
    const old = this.#annotations[annotation.revision];
    Object.assign(this.#annotations, copied);
    if (this.revision >= revision) return;
    this.#annotations[annotation.revision] = String(revision);
    if (!old) return;
    this.#annotations[annotation.history] = historyWith(this.#annotations[annotation.history], old);
  }

  /** The update that makes the ReplicaSet so; none when it is so or is new. What is changed afterwards is another one. */
  update(): readonly Update[] {
    const before = this.#updated;
    if (!before) return [];
    const spec = { ...before.spec, replicas: this.replicas };
    if (this.minReadySeconds === undefined) delete spec.minReadySeconds;
    else spec.minReadySeconds = this.minReadySeconds;
    const after = { ...before, metadata: { ...before.metadata, annotations: this.#annotations }, spec };
    const same =
      isDeepStrictEqual(after.spec, { ...before.spec, replicas: before.spec.replicas ?? 1 }) &&
      isDeepStrictEqual(this.#annotations, before.metadata.annotations ?? {});
    if (same) return [];
    this.#updated = structuredClone(after);
    return [{ before, after: this.#updated }];
  }

  toCreate({ metadata, spec }: Deployment): NewReplicaSet {
    const labels = { ...spec.template.metadata?.labels, [hashLabel]: this.#hash };
    return structuredClone({
      metadata: {
        name: this.name,
        ...(metadata.namespace && { namespace: metadata.namespace }),
        labels,
        annotations: this.#annotations,
      },
      spec: {
        replicas: this.replicas,
        ...(this.minReadySeconds !== undefined && { minReadySeconds: this.minReadySeconds }),
        selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: this.#hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
    }) as NewReplicaSet;
  }
}

/** What somebody wrote there that is no number counts as not written. */
function numberFrom(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/** As long as Kubernetes lets the history of revisions become, in characters. */
const longestHistory = 2000;

/** The history with one more number; the oldest fall out of one that becomes too long. */
function historyWith(history: string | undefined, old: string): string {
  const numbers = [...(history ? history.split(",") : []), old];
  let length = numbers.join(",").length;
  let first = 0;
  while (length > longestHistory) length -= (numbers[first++] ?? "").length + 1;
  return numbers.slice(first).join(",");
}
