import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { prometheusText } from "../../base/metrics.ts";
import { type FakeClock, fakeClock } from "../../base/testing/fake-clock.ts";
import type { Store } from "../../store/contract.ts";
import { openStore } from "../../store/open.ts";
import { requestInfo } from "../http/request-info.ts";
import { Fairness, type Refusal, type Turn } from "./fairness.ts";

const everything = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const anyone = [{ kind: "Group", group: { name: "*" } }];

/** A server of ten seats with the given levels (name → spec of a limited one), and a schema of the same name for each. */
class World {
  readonly clock: FakeClock = fakeClock();
  readonly #store: Store;
  readonly fairness: Fairness;
  readonly gone = new AbortController();

  private constructor(store: Store) {
    this.#store = store;
    this.fairness = new Fairness({ store, clock: this.clock, seats: 10 });
  }

  static async with(levels: Readonly<Record<string, object>>): Promise<World> {
    const world = new World(await openStore({ kind: "memory" }, { clock: fakeClock(), log: noLog }));
    await world.put("prioritylevelconfigurations", "exempt", { type: "Exempt", exempt: {} });
    await world.schema("exempt", { matchingPrecedence: 1, rules: [rulesOf([group("system:masters")])] });
    for (const [name, limited] of Object.entries(levels)) {
      await world.level(name, limited);
      await world.schema(name, {
        distinguisherMethod: { type: "ByNamespace" },
        rules: [rulesOf([{ kind: "User", user: { name } }])],
      });
    }
    return world;
  }

  level(name: string, limited: object): Promise<void> {
    return this.put("prioritylevelconfigurations", name, { type: "Limited", limited });
  }

  schema(name: string, spec: object): Promise<void> {
    return this.put("flowschemas", name, { priorityLevelConfiguration: { name }, matchingPrecedence: 1000, ...spec });
  }

  async put(plural: string, name: string, spec: object): Promise<void> {
    const value = { metadata: { name, uid: `${name}-uid` }, spec };
    const key = `/${plural}.flowcontrol.apiserver.k8s.io/${name}`;
    await this.#store.put(key, { expected: "any", value: () => Buffer.from(JSON.stringify(value)) });
  }

  /** Which schema a request falls into. */
  async classOf(user: string, groups: readonly string[], method: string, path: string): Promise<string | undefined> {
    let found: string | undefined;
    await this.fairness.enter({
      user: { name: user, uid: "", groups, extra: {} },
      info: requestInfo(method, path, { watching: false, onlyName: undefined }),
      classified: ({ metadata }) => {
        found = metadata?.name;
      },
      gone: () => this.gone.signal,
    });
    return found;
  }

  /** A request of the level with that name. */
  enter(
    name: string,
    { namespace = "ns", groups = [] as readonly string[], gone = this.gone } = {},
  ): Turn | Refusal | Promise<Turn | Refusal> {
    return this.fairness.enter({
      user: { name, uid: "", groups, extra: {} },
      info: requestInfo("GET", `/api/v1/namespaces/${namespace}/pods`, { watching: false, onlyName: undefined }),
      classified() {},
      gone: () => gone.signal,
    });
  }

  /** Takes seats until there are none at once. */
  async fill(name: string): Promise<Turn[]> {
    const turns: Turn[] = [];
    const gone = new AbortController();
    for (;;) {
      const entered = this.enter(name, { gone });
      if (entered instanceof Promise || "refused" in entered) {
        gone.abort();
        return turns;
      }
      turns.push(entered);
    }
  }
}

const group = (name: string) => ({ kind: "Group", group: { name } });
const rulesOf = (subjects: object[]) => ({ subjects, ...everything });
const rejecting = { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" }, borrowingLimitPercent: 0 };
const queuing = (queues: object = {}) => ({
  ...rejecting,
  limitResponse: { type: "Queue", queuing: { queues: 4, handSize: 2, queueLengthLimit: 3, ...queues } },
});

describe("a request belongs to the first flow schema that is about it", () => {
  test.each<
    [what: string, spec: object, asked: [user: string, groups: string[], method: string, path: string], is: boolean]
  >([
    ["a user", { subjects: [{ kind: "User", user: { name: "u" } }] }, ["u", [], "GET", "/version"], true],
    ["another user", { subjects: [{ kind: "User", user: { name: "u" } }] }, ["v", [], "GET", "/version"], false],
    ["a group", { subjects: [group("g")] }, ["u", ["f", "g"], "GET", "/version"], true],
    [
      "all accounts of a namespace",
      { subjects: [{ kind: "ServiceAccount", serviceAccount: { namespace: "a", name: "*" } }] },
      ["system:serviceaccount:a:x", [], "GET", "/api"],
      true,
    ],
    [
      "the accounts of a namespace whose name begins alike",
      { subjects: [{ kind: "ServiceAccount", serviceAccount: { namespace: "a", name: "*" } }] },
      ["system:serviceaccount:ab:x", [], "GET", "/api"],
      false,
    ],
    [
      "a path and what is below it",
      { nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }] },
      ["u", [], "GET", "/healthz/etcd"],
      true,
    ],
    [
      "a path that only begins like it",
      { nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/health"] }] },
      ["u", [], "GET", "/healthz"],
      false,
    ],
    [
      "a subresource, which is not its resource",
      { resourceRules: [{ verbs: ["*"], apiGroups: [""], resources: ["pods"], namespaces: ["*"] }] },
      ["u", [], "GET", "/api/v1/namespaces/n/pods/p/status"],
      false,
    ],
    [
      "namespaces, when all of them are asked for",
      { resourceRules: [{ verbs: ["list"], apiGroups: [""], resources: ["pods"], namespaces: ["*"] }] },
      ["u", [], "GET", "/api/v1/pods"],
      false,
    ],
    [
      "the cluster as a whole",
      { resourceRules: [{ verbs: ["list"], apiGroups: [""], resources: ["pods"], clusterScope: true }] },
      ["u", [], "GET", "/api/v1/pods"],
      true,
    ],
  ])("%s", async (_, rule, [user, groups, method, path], is) => {
    const world = await World.with({ level: rejecting });
    const rules = [{ subjects: anyone, ...("subjects" in rule ? everything : {}), ...rule }];
    await world.schema("one", { priorityLevelConfiguration: { name: "level" }, rules });
    expect(await world.classOf(user, groups, method, path)).toBe(is ? "one" : undefined);
  });

  test("by precedence, then by name; one whose level is missing is passed over", async () => {
    const world = await World.with({ level: rejecting });
    const about = (matchingPrecedence: number, level = "level") => ({
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      rules: [rulesOf(anyone)],
    });
    await world.schema("later", about(20));
    await world.schema("b", about(10));
    await world.schema("a", about(10));
    await world.schema("dangling", about(5, "absent"));
    expect(await world.classOf("u", [], "GET", "/version")).toBe("a");
  });
});

describe("seats", () => {
  test("levels divide them by their shares, and get back what a request leaves", async () => {
    const world = await World.with({ small: rejecting, large: { ...rejecting, nominalConcurrencyShares: 4 } });
    const [small, large] = [await world.fill("small"), await world.fill("large")];
    expect([small.length, large.length]).toEqual([2, 8]);
    expect(await world.enter("small")).toEqual({ refused: "concurrency-limit" });
    small[0]?.leave();
    expect(await world.fill("small")).toHaveLength(1);
  });

  test("what one may lend another takes, and no more; its own are always there", async () => {
    const lending = { ...rejecting, lendablePercent: 60 };
    const world = await World.with({ busy: { ...rejecting, borrowingLimitPercent: undefined }, idle: lending });
    expect(await world.fill("busy")).toHaveLength(5 + 3);
    expect(await world.fill("idle")).toHaveLength(2);
  });

  test("nobody borrows more than the level's limit", async () => {
    const lending = { ...rejecting, lendablePercent: 100 };
    const world = await World.with({ busy: { ...rejecting, borrowingLimitPercent: 20 }, idle: lending });
    expect(await world.fill("busy")).toHaveLength(5 + 1);
  });

  test("who is exempt needs none", async () => {
    const world = await World.with({ level: rejecting });
    await world.fill("level");
    expect(world.enter("level", { groups: ["system:masters"] })).toHaveProperty("leave");
  });

  test("never more are taken than there are, whoever comes and leaves", async () => {
    const world = await World.with({
      a: { ...queuing(), lendablePercent: 50, borrowingLimitPercent: undefined },
      b: queuing(),
    });
    const inside: Turn[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.constantFrom("a", "b"), fc.nat(9)), { maxLength: 60 }), async (steps) => {
        for (const step of steps) {
          if (typeof step === "number") inside.splice(step % (inside.length || 1), 1)[0]?.leave();
          else {
            const entered = world.enter(step);
            const keep = (answer: Turn | Refusal): void => void ("leave" in answer && inside.push(answer));
            if (entered instanceof Promise) void entered.then(keep);
            else keep(entered);
          }
          await Promise.resolve();
          expect(inside.length).toBeLessThanOrEqual(10);
        }
        while (inside.length > 0) {
          inside.pop()?.leave();
          await Promise.resolve();
        }
        const text = prometheusText(world.fairness.metrics());
        const busy = [...text.matchAll(/^apiserver_flowcontrol_current_\w+\{.*\} (.*)$/gm)].map(([, value]) => value);
        expect(new Set(busy)).toEqual(new Set(busy.length > 0 ? ["0"] : []));
      }),
    );
  });
});

describe("queues", () => {
  test("who waits gets the next seat", async () => {
    const world = await World.with({ level: queuing() });
    const [first] = await world.fill("level");
    const waiting = world.enter("level");
    first?.leave();
    expect(await waiting).toHaveProperty("leave");
  });

  test("one flow that fills its queues keeps no other out, and takes turns with it", async () => {
    const world = await World.with({ level: queuing({ queues: 64, handSize: 1 }) });
    const turns = await world.fill("level");
    const greedy = Array.from({ length: 4 }, () => world.enter("level", { namespace: "greedy" }));
    expect(await greedy[3]).toEqual({ refused: "queue-full" });
    const order: string[] = [];
    for (const one of greedy.slice(0, 3)) void Promise.resolve(one).then(() => order.push("greedy"));
    void Promise.resolve(world.enter("level", { namespace: "modest" })).then(() => order.push("modest"));
    turns[0]?.leave();
    turns[1]?.leave();
    await new Promise(setImmediate);
    expect(order).toEqual(["greedy", "modest"]);
  });

  test("who waits for too long, or goes, waits no longer", async () => {
    const world = await World.with({ level: queuing() });
    await world.fill("level");
    const [late, left] = [world.enter("level", { namespace: "one" }), world.enter("level", { namespace: "two" })];
    await world.clock.advance(15_000);
    expect(await Promise.all([late, left])).toEqual([{ refused: "time-out" }, { refused: "time-out" }]);
    const third = world.enter("level");
    world.gone.abort();
    expect(await third).toEqual({ refused: "cancelled" });
  });

  test("a level that grows lets in who waits", async () => {
    const world = await World.with({ level: queuing(), other: { ...rejecting, nominalConcurrencyShares: 9 } });
    await world.fill("level");
    const waiting = world.enter("level");
    await world.level("level", { ...queuing(), nominalConcurrencyShares: 9 });
    expect(await world.classOf("level", [], "GET", "/version")).toBe("level");
    expect(await waiting).toHaveProperty("leave");
  });
});
