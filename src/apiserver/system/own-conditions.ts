import type { AnyObject } from "../../api/object.ts";
import { applyPatch } from "../../api/patch/apply.ts";
import { isReason } from "../../api/status.ts";
import type { Call } from "../call.ts";
import type { Registry } from "../registry/deps.ts";
import { onChange } from "../registry/follow.ts";
import { heldObject } from "../registry/held.ts";
import { timestamp } from "../registry/metadata.ts";
import { nodeOf, writerOf } from "../registry/ownership.ts";
import { type Resource, storeKey, storePrefix } from "../registry/resources.ts";
import { updateObject } from "../registry/update.ts";
import { type ConditionRule, conditionRules, type ExtensionCheck, type SeenCondition } from "./condition-rules.ts";
import { systemCall } from "./system-call.ts";

interface Condition extends SeenCondition {
  readonly lastTransitionTime: string;
}

/**
 * Writes into the status of a few kinds what only the API server knows (condition-rules.ts). Looks again at all objects of
 * a kind when one of them, or of what they depend on, has changed; nothing is written that is there already.
 */
export class OwnConditions implements Disposable {
  readonly #registry: Registry;
  readonly #rules: readonly ConditionRule[];
  readonly #following: readonly Disposable[];
  /** Rules that are to be looked at again; what is added while one is being looked at comes after it. */
  readonly #due: Set<ConditionRule>;
  #working: Promise<void>;
  #isWorking = false;

  constructor(registry: Registry, extension: ExtensionCheck) {
    this.#registry = registry;
    this.#rules = conditionRules(extension);
    this.#due = new Set(this.#rules);
    // Which objects changed is not asked: all are looked at.
    this.#following = this.#rules.flatMap((rule) =>
      [rule.of, ...rule.dependsOn].map((bucket) => onChange(registry.store, `/${bucket}/`, () => this.#lookAt([rule]))),
    );
    this.#working = this.#work();
  }

  /** Resolves when all that was due has been written. */
  get ready(): Promise<void> {
    return this.#working;
  }

  /** Looks again at all objects of a kind: what was seen outside the store has changed. */
  lookAgain(bucket: string): void {
    this.#lookAt(this.#rules.filter((rule) => rule.of === bucket));
  }

  #lookAt(rules: readonly ConditionRule[]): void {
    for (const rule of rules) this.#due.add(rule);
    if (!this.#isWorking) this.#working = this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      for (const rule of this.#due) {
        this.#due.delete(rule);
        await this.#look(rule);
      }
    } catch (error) {
      this.#registry.log.error("a condition of the server's own was not written", { error });
    } finally {
      this.#isWorking = false;
    }
  }

  async #look(rule: ConditionRule): Promise<void> {
    const { store, catalog } = this.#registry;
    const resource = catalog.all().find(({ bucket, stored }) => bucket === rule.of && !stored);
    if (!resource) return;
    for (const entry of store.list(storePrefix(resource, undefined)).entries) {
      const object = heldObject(entry);
      const seen = rule.look(object, (bucket, namespace) => this.#objects(bucket, namespace));
      if (seen && !isWritten(object, seen)) await this.#write(rule, resource, object, seen);
    }
  }

  #objects(bucket: string, namespace: string | undefined): AnyObject[] {
    const prefix = namespace === undefined ? `/${bucket}/` : `/${bucket}/${namespace}/`;
    return this.#registry.store.list(prefix).entries.map(heldObject);
  }

  async #write(rule: ConditionRule, resource: Resource, { metadata }: AnyObject, seen: SeenCondition): Promise<void> {
    const { clock, store } = this.#registry;
    const { namespace, name } = metadata;
    if (!store.latest(storeKey(resource, namespace, name))) return;
    const now = clock.now();
    const call: Call = {
      ...systemCall(resource, { namespace, name }),
      subresource: "status",
      fieldManager: rule.manager,
    };
    const condition = (old: AnyObject): Condition => {
      const before = conditionsOf(old).find(({ type }) => type === seen.type);
      const since = before?.status === seen.status ? before.lastTransitionTime : timestamp(now);
      return {
        type: seen.type,
        status: seen.status,
        lastTransitionTime: since,
        ...(seen.reason !== undefined && { reason: seen.reason }),
        message: seen.message,
      };
    };
    try {
      await updateObject(this.#registry, call, {
        isApplied: rule.applies,
        change: (old) => (rule.applies ? applied(call, old, condition(old), now) : updated(old, condition(old))),
      });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const one of this.#following) one[Symbol.dispose]();
  }
}

function conditionsOf({ status }: AnyObject): readonly Condition[] {
  return (status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
}

function isWritten(object: AnyObject, { type, status, reason, message }: SeenCondition): boolean {
  return conditionsOf(object).some(
    (is) =>
      is.type === type &&
      is.status === status &&
      (is.reason ?? "") === (reason ?? "") &&
      (is.message ?? "") === message,
  );
}

function applied(call: Call, live: AnyObject, condition: Condition, now: number): AnyObject {
  const { kind, apiVersion, metadata } = live;
  const patch = { kind, apiVersion, metadata: { name: metadata.name }, status: { conditions: [condition] } };
  return applyPatch({
    live,
    patch,
    node: nodeOf(call.resource),
    writer: writerOf(call, now),
    force: true,
  }) as AnyObject;
}

function updated(old: AnyObject, condition: Condition): AnyObject {
  const others = conditionsOf(old).filter(({ type }) => type !== condition.type);
  const status = { ...(old.status as object | undefined), conditions: [...others, condition] };
  return { ...structuredClone(old), status };
}
