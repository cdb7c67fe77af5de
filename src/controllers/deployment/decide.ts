import { isLeaving, type KubeObject } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from "../../api/schema/types.ts";
import { Draft, type NewReplicaSet, type Update } from "./draft.ts";
import { copiedAnnotations, deadlineOf, isComplete, type Limits, limitsOf, onlyActive, total } from "./limits.ts";
import { proportions } from "./proportions.ts";
import { setCondition, statusFrom, untilDeadlineMs, withPausedCondition, withProgress } from "./status.ts";
import { hashOf, sameTemplate } from "./template.ts";

/** What the informers held when the key came up. */
export interface Observed {
  readonly deployment: Deployment;
  /** Every ReplicaSet that the Deployment controls, adopted ones included. */
  readonly replicaSets: readonly ReplicaSet[];
  /** The pods of a ReplicaSet. */
  readonly podsOf: (replicaSet: ReplicaSet) => readonly Pod[];
  readonly now: number;
}

/** What should happen next, in this order. */
export interface Decision {
  readonly create: NewReplicaSet | undefined;
  /** One after the other; a ReplicaSet may come up twice. */
  readonly update: readonly Update[];
  readonly remove: readonly ReplicaSet[];
  /** The Deployment's own revision annotation, when it is to change. */
  readonly revision: string | undefined;
  readonly status: DeploymentStatus;
  readonly againMs: number | undefined;
}

/** One round of a Deployment (Kubernetes docs, "Deployments"). */
export function decide(observed: Observed): Decision {
  const { deployment, now } = observed;
  const told = withPausedCondition(deployment, now);
  // A pause and its end are told before anything is done about them; that write brings the key back.
  if (!isLeaving(deployment) && told.conditions !== deployment.status?.conditions) return onlyStatus(told);
  const round = new Round(observed);
  if (isLeaving(deployment)) round.statusOnly();
  else if (deployment.spec.paused) round.scaleOnly();
  else if (round.isScaled()) round.scaleOnly();
  else if (deployment.spec.strategy?.type === "Recreate") round.recreate();
  else round.roll();
  return round.decision(now);
}

function onlyStatus(status: DeploymentStatus): Decision {
  return { create: undefined, update: [], remove: [], revision: undefined, status, againMs: undefined };
}

/** The state of a round: drafts of ReplicaSets, and the status that grows. */
class Round {
  readonly #observed: Observed;
  readonly #deployment: Deployment;
  readonly #limits: Limits;
  readonly #drafts: Draft[];
  #newest: Draft | undefined;
  #status: DeploymentStatus;
  #revision: string | undefined;
  #remove: readonly ReplicaSet[] = [];
  readonly #updates: Update[] = [];
  #collided = false;

  constructor(observed: Observed) {
    this.#observed = observed;
    this.#deployment = observed.deployment;
    this.#limits = limitsOf(this.#deployment);
    this.#drafts = [...observed.replicaSets].sort(byAge).map((replicaSet) => new Draft(replicaSet));
    this.#newest = this.#drafts.find(({ template }) => sameTemplate(template, this.#deployment.spec.template));
    this.#status = this.#deployment.status ?? {};
  }

  /** A ReplicaSet remembers for how many replicas it was made; another number now means that the Deployment was scaled. */
  isScaled(): boolean {
    return onlyActive(this.#drafts).some(({ desired }) => desired !== undefined && desired !== this.#limits.replicas);
  }

  statusOnly(): void {
    this.#status = statusFrom(this.#deployment, this.#drafts, this.#newest, this.#status, this.#observed.now);
  }

  scaleOnly(): void {
    this.#takeUpNewest();
    this.#scale();
    if (this.#deployment.spec.paused) this.#cleanUp();
    this.statusOnly();
  }

  roll(): void {
    this.#takeUpNewest();
    this.#createNewest();
    if (!this.#collided && !this.#growNewest() && !this.#shrinkOlder()) this.#cleanUpWhenComplete();
    this.#progress();
  }

  recreate(): void {
    this.#takeUpNewest();
    const active = onlyActive(this.#older);
    for (const draft of active) draft.scale(0, this.#limits);
    if (active.length === 0 && !this.#olderPodsRun()) {
      this.#createNewest();
      if (this.#newest && this.#newest.replicas === this.#limits.replicas) this.#cleanUpWhenComplete();
      else this.#newest?.scale(this.#limits.replicas, this.#limits);
    }
    this.#progress();
  }

  decision(now: number): Decision {
    if (this.#collided) {
      // Another template has the same hash. The next round makes another one; nothing else is said before.
      const { status = {} } = this.#deployment;
      return onlyStatus({ ...status, collisionCount: (status.collisionCount ?? 0) + 1 });
    }
    this.#settle(this.#drafts);
    return {
      create: this.#newest?.isNew ? this.#newest.toCreate(this.#deployment) : undefined,
      update: this.#updates,
      remove: this.#remove,
      revision: this.#revision,
      status: this.#status,
      againMs: untilDeadlineMs(this.#deployment, this.#status, now),
    };
  }

  get #older(): readonly Draft[] {
    return this.#drafts.filter((draft) => draft !== this.#newest);
  }

  #nextRevision(): bigint {
    let most = 0n;
    for (const { revision } of this.#older) if (revision > most) most = revision;
    return most + 1n;
  }

  #takeUpNewest(): void {
    const newest = this.#newest;
    if (!newest) return;
    newest.raiseRevision(this.#nextRevision(), copiedAnnotations(this.#deployment));
    newest.minReadySeconds = this.#deployment.spec.minReadySeconds;
    this.#setRevision(newest.revision);
    const { conditions = [] } = this.#status;
    if (deadlineOf(this.#deployment) !== undefined && !conditions.some(({ type }) => type === "Progressing"))
      this.#setProgressing("FoundNewReplicaSet", `Found new replica set "${newest.name}"`);
  }

  #createNewest(): void {
    if (this.#newest) return;
    const hash = hashOf(this.#deployment.spec.template, this.#status.collisionCount);
    const name = `${this.#deployment.metadata.name}-${hash}`;
    if (this.#drafts.some((draft) => draft.name === name)) {
      this.#collided = true;
      return;
    }
    const newest = Draft.blank({ name, hash, revision: this.#nextRevision(), deployment: this.#deployment });
    newest.scale(
      this.#deployment.spec.strategy?.type === "Recreate" ? this.#limits.replicas : this.#newestMayHave(newest),
      this.#limits,
    );
    this.#drafts.push(newest);
    this.#newest = newest;
    this.#setRevision(newest.revision);
    this.#setProgressing("NewReplicaSetCreated", `Created new replica set "${name}"`);
  }

  #newestMayHave(newest: Draft): number {
    const { replicas, maxSurge } = this.#limits;
    const others = total(
      this.#drafts.filter((draft) => draft !== newest),
      (draft) => draft.replicas,
    );
    const room = replicas + maxSurge - others - newest.replicas;
    return room <= 0 ? newest.replicas : newest.replicas + Math.min(room, replicas - newest.replicas);
  }

  #growNewest(): boolean {
    const newest = this.#newest;
    if (!newest || newest.isNew || newest.replicas === this.#limits.replicas) return false;
    const { replicas, maxSurge } = this.#limits;
    const wanted = newest.replicas > replicas ? replicas : this.#newestMayHave(newest);
    // Older ReplicaSets that were told to shrink make room once they have done so; until then nothing else is the next step.
    const surplus = total(this.#older, (draft) => draft.surplus);
    const room = replicas + maxSurge - total(this.#drafts, (draft) => draft.replicas) - surplus;
    if (surplus > 0 && wanted - newest.replicas > Math.max(0, room)) return true;
    return wanted !== newest.replicas && newest.scale(wanted, this.#limits);
  }

  /** Takes from the older ones what the new one makes dispensable: the sick first, then the oldest. */
  #shrinkOlder(): boolean {
    const older = onlyActive(this.#older);
    if (older.length === 0 || !this.#newest) return false;
    const leastAvailable = this.#limits.replicas - this.#limits.maxUnavailable;
    const newestUnavailable = this.#newest.replicas - this.#newest.available;
    const most = total(this.#drafts, ({ replicas }) => replicas) - leastAvailable - newestUnavailable;
    if (most <= 0) return false;

    const before = total(older, ({ replicas }) => replicas);
    let sick = most;
    for (const draft of older) {
      const count = Math.min(sick, draft.replicas - draft.available);
      if (count <= 0) continue;
      sick -= count;
      draft.scale(draft.replicas - count, this.#limits);
    }
    // That is a step of its own, with its own Event, also where the same ReplicaSet shrinks further.
    this.#settle(older);
    let spare = total(this.#drafts, ({ surelyAvailable }) => surelyAvailable) - leastAvailable;
    for (const draft of older) {
      const count = Math.min(spare, draft.replicas);
      if (count <= 0) continue;
      spare -= count;
      draft.scale(draft.replicas - count, this.#limits);
    }
    return total(older, ({ replicas }) => replicas) !== before;
  }

  #settle(drafts: readonly Draft[]): void {
    this.#updates.push(...drafts.flatMap((draft) => draft.update()));
  }

  #olderPodsRun(): boolean {
    const { replicaSets, podsOf } = this.#observed;
    return replicaSets
      .filter(({ metadata }) => metadata.name !== this.#newest?.name)
      .some((replicaSet) => podsOf(replicaSet).some((pod) => !hasEnded(pod)));
  }

  #scale(): void {
    const { replicas } = this.#limits;
    const active = onlyActive(this.#drafts);
    const single =
      active.length === 0 ? (this.#newest ?? this.#drafts.at(-1)) : active.length === 1 ? active[0] : undefined;
    if (single) {
      if (single.replicas !== replicas) single.scale(replicas, this.#limits);
      return;
    }
    const newest = this.#newest;
    if (newest && newest.replicas === replicas && newest.desired === replicas && newest.available === replicas) {
      for (const draft of onlyActive(this.#older)) draft.scale(0, this.#limits);
      return;
    }
    if (this.#deployment.spec.strategy?.type === "Recreate") return;
    const sizes = proportions(active, this.#limits, this.#deployment.status?.replicas ?? 0);
    for (const [draft, size] of sizes) draft.scale(size, this.#limits);
  }

  #cleanUpWhenComplete(): void {
    if (isComplete(this.#deployment, this.#deployment.status ?? {})) this.#cleanUp();
  }

  #cleanUp(): void {
    const limit = this.#deployment.spec.revisionHistoryLimit;
    if (limit === undefined) return;
    const alive = this.#older.filter(({ original }) => original && !isLeaving(original));
    this.#remove = alive
      .sort((a, b) => Number(a.revision - b.revision))
      .slice(0, Math.max(0, alive.length - limit))
      .flatMap(({ original }) => (original && isIdle(original) ? [original] : []));
  }

  #progress(): void {
    const { now } = this.#observed;
    const plain = statusFrom(this.#deployment, this.#drafts, this.#newest, this.#status, now);
    this.#status = withProgress(this.#deployment, plain, { newest: this.#newest, drafts: this.#drafts, now });
  }

  #setRevision(revision: bigint): void {
    const text = String(revision);
    if (this.#deployment.metadata.annotations?.["deployment.kubernetes.io/revision"] !== text) this.#revision = text;
  }

  #setProgressing(reason: string, message: string): void {
    if (deadlineOf(this.#deployment) === undefined) return;
    const condition = { type: "Progressing", status: "True", reason, message };
    const conditions = setCondition(this.#status.conditions ?? [], condition, this.#observed.now);
    this.#status = { ...this.#status, conditions };
  }
}

function byAge(a: KubeObject, b: KubeObject): number {
  const [older, younger] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (older !== younger) return older < younger ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** Whether nothing of the ReplicaSet runs, and its controller has seen that nothing should. */
function isIdle({ spec, status, metadata }: ReplicaSet): boolean {
  const seen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return spec.replicas === 0 && (status?.replicas ?? 0) === 0 && seen;
}
