import type { FlowSchema, PolicyRulesWithSubjects, PriorityLevelConfiguration } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import type { RequestInfo } from "../http/request-info.ts";
import { Follower } from "../registry/follower.ts";
import type { UserInfo } from "../user.ts";
import { covers, isAbout } from "./rules.ts";

/** What a request belongs to. */
export interface Flow {
  readonly schema: FlowSchema;
  readonly level: PriorityLevelConfiguration;
  /** Tells the flows of one schema apart: the user's name, the namespace, or nothing. */
  readonly distinguisher: string;
}

const [schemaPrefix, levelPrefix] = ["flowschemas", "prioritylevelconfigurations"].map(
  (plural) => `/${plural}.flowcontrol.apiserver.k8s.io/`,
) as [string, string];

// Users whose schemas are remembered. When there are more, all are looked at anew.
const mostUsers = 1000;

/** A schema as it is to one user: with the rules that are about that user. */
interface SchemaOfUser {
  readonly schema: FlowSchema;
  readonly level: PriorityLevelConfiguration;
  readonly rules: readonly PolicyRulesWithSubjects[];
}

interface KnownUser {
  readonly groups: readonly string[];
  readonly schemas: readonly SchemaOfUser[];
}

/**
 * Says to which flow schema, and so to which priority level, a request belongs: the first one in the order of precedence and
 * name that is about it and whose level exists (Kubernetes docs, "API Priority and Fairness", section "FlowSchema").
 */
export class Classifier implements Disposable {
  readonly #follower: Follower;
  readonly #schemas = new Map<string, FlowSchema>();
  readonly #levels = new Map<string, PriorityLevelConfiguration>();
  /** Schemas whose level exists, in the order in which they are tried. */
  #order: readonly FlowSchema[] = [];
  /** Of these, by the user's name, the ones with rules about that user. */
  readonly #byUser = new Map<string, KnownUser>();
  #changes = 0;
  #seen = -1;

  constructor(store: Store) {
    this.#follower = new Follower(store, [schemaPrefix, levelPrefix], {
      clear: () => {
        this.#changes++;
        this.#schemas.clear();
        this.#levels.clear();
      },
      put: (prefix, key, object) => {
        this.#changes++;
        if (prefix === schemaPrefix) this.#schemas.set(key, object as unknown as FlowSchema);
        else this.#levels.set(key, object as unknown as PriorityLevelConfiguration);
      },
      remove: (prefix, key) => {
        this.#changes++;
        (prefix === schemaPrefix ? this.#schemas : this.#levels).delete(key);
      },
    });
  }

  /** Tells of the levels at first and whenever something has changed. */
  refresh(changed: (levels: readonly PriorityLevelConfiguration[]) => void): void {
    this.#follower.refresh();
    if (this.#seen === this.#changes) return;
    this.#seen = this.#changes;
    this.#byUser.clear();
    this.#order = [...this.#schemas.values()].filter((schema) => this.#levelOf(schema)).sort(inOrder);
    changed([...this.#levels.values()]);
  }

  /** Undefined where no schema is about the request: the mandatory ones are about all, but they may be missing. */
  classify(user: UserInfo, info: RequestInfo): Flow | undefined {
    for (const { schema, level, rules } of this.#about(user))
      for (const rule of rules)
        if (covers(rule, info)) return { schema, level, distinguisher: distinguisherOf(schema, user, info) };
    return undefined;
  }

  /** The level that a schema names. */
  levelNamed(schema: string): string | undefined {
    return this.#schemas.get(schemaPrefix + schema)?.spec?.priorityLevelConfiguration.name;
  }

  #about(user: UserInfo): readonly SchemaOfUser[] {
    const known = this.#byUser.get(user.name);
    if (known && areSame(known.groups, user.groups)) return known.schemas;
    const schemas = this.#order.flatMap((schema) => {
      const rules = (schema.spec?.rules ?? []).filter(({ subjects }) => isAbout(user, subjects ?? []));
      const level = this.#levelOf(schema);
      return level && rules.length > 0 ? [{ schema, level, rules }] : [];
    });
    if (this.#byUser.size >= mostUsers) this.#byUser.clear();
    this.#byUser.set(user.name, { groups: user.groups, schemas });
    return schemas;
  }

  #levelOf({ spec }: FlowSchema): PriorityLevelConfiguration | undefined {
    return this.#levels.get(levelPrefix + (spec?.priorityLevelConfiguration.name ?? ""));
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]();
  }
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}

function inOrder(a: FlowSchema, b: FlowSchema): number {
  const [left, right] = [a.spec?.matchingPrecedence ?? 0, b.spec?.matchingPrecedence ?? 0];
  return left - right || ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1);
}

function distinguisherOf({ spec }: FlowSchema, { name }: UserInfo, { namespace }: RequestInfo): string {
  switch (spec?.distinguisherMethod?.type) {
    case "ByUser":
      return name;
    case "ByNamespace":
      return namespace;
    default:
      return "";
  }
}
