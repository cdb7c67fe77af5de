import fc from "fast-check";
import { expect, test } from "vitest";
import { anEndpoint, aService, aSlice } from "../testing/objects.ts";
import { staleFlows } from "./conntrack.ts";
import { rulesOfService } from "./desired.ts";
import { commandsBetween } from "./diff.ts";
import { emptyRuleset, mergeRulesets, type Ruleset } from "./ruleset.ts";

/**
 * A kernel that carries out commands as nft does: it refuses to make what is there, to use or remove what is not, and to
 * remove a chain or set that something still refers to.
 */
class ModelKernel {
  readonly sets = new Set<string>();
  readonly chains = new Map<string, string[]>([["refuse", []]]);
  readonly elements = new Map<string, Map<string, string>>();

  run(command: string): void {
    const [verb = "", what = "", , , name = "", ...rest] = command.split(" ");
    const text = rest.join(" ");
    if (what === "element") this.#changeElements(verb, name, text);
    else this.#changeChainOrSet({ verb, what, name, text, command });
  }

  #changeChainOrSet(change: { verb: string; what: string; name: string; text: string; command: string }): void {
    const { verb, what, name, text, command } = change;
    const there = what === "set" ? this.sets.has(name) : this.chains.has(name);
    if (there === (verb === "add" && what !== "rule")) throw new Error(`refused: ${command}`);
    for (const [, target = ""] of text.matchAll(/goto ([^\s,]+)/g)) this.#need(this.chains.has(target), command);
    for (const [, set = ""] of text.matchAll(/@(\S+)/g)) this.#need(this.sets.has(set), command);
    if (verb === "delete") this.#need(!this.#isUsed(name), command);
    if (what === "set") verb === "add" ? this.sets.add(name) : this.sets.delete(name);
    else if (what === "rule") this.chains.get(name)?.push(text);
    else if (verb === "delete") this.chains.delete(name);
    else this.chains.set(name, []);
  }

  #changeElements(verb: string, name: string, text: string): void {
    const map = this.elements.get(name) ?? new Map<string, string>();
    this.elements.set(name, map);
    for (const element of text.slice(2, -2).split(", ")) {
      const [key = "", verdict = ""] = element.split(" : ");
      const target = verdict.match(/goto (\S+)/)?.[1];
      if (target) this.#need(this.chains.has(target), element);
      this.#need(map.has(key) === (verb === "delete"), element);
      if (verb === "delete") map.delete(key);
      else map.set(key, verdict);
    }
  }

  #isUsed(name: string): boolean {
    const refers = (text: string) => text.split(/[\s,]+/).some((word) => word === name || word === `@${name}`);
    const rules = [...this.chains.values()].flat();
    const verdicts = [...this.elements.values()].flatMap((map) => [...map.values()]);
    return [...rules, ...verdicts].some(refers);
  }

  #need(condition: boolean, what: string): void {
    if (!condition) throw new Error(`refused: ${what}`);
  }
}

const anyRuleset = fc
  .array(
    fc.record({
      name: fc.constantFrom("a", "b", "c"),
      ip: fc.constantFrom("10.43.0.5", "10.43.0.6"),
      nodePort: fc.constantFrom(undefined, 30080, 30081),
      policy: fc.constantFrom("Cluster", "Local"),
      affinity: fc.constantFrom("None", "ClientIP"),
      endpoints: fc.subarray(["10.42.0.2", "10.42.0.3", "10.42.1.4"]),
      node: fc.constantFrom("n1", "n2"),
    }),
    { maxLength: 3 },
  )
  .map((seeds) => mergeRulesets(seeds.map(rulesFrom)));

function rulesFrom(seed: {
  name: string;
  ip: string;
  nodePort: number | undefined;
  policy: string;
  affinity: string;
  endpoints: string[];
  node: string;
}): Ruleset {
  const ports = [{ name: "http", port: 80, protocol: "TCP", ...(seed.nodePort && { nodePort: seed.nodePort }) }];
  const spec = { clusterIP: seed.ip, ports, externalTrafficPolicy: seed.policy, sessionAffinity: seed.affinity };
  const slice = aSlice(seed.endpoints.map((ip) => anEndpoint(ip, { node: seed.node })));
  const place = { nodeName: "n1", clusterCidrs: ["10.42.0.0/16"], answeredHere: new Set<string>(), insideOf: () => [] };
  return rulesOfService(aService(spec, { name: seed.name }), [slice], place);
}

test("the commands between two rulesets turn one into the other, and the kernel takes each", () => {
  fc.assert(
    fc.property(fc.array(anyRuleset, { minLength: 1, maxLength: 6 }), (steps) => {
      const kernel = new ModelKernel();
      let from = emptyRuleset;
      for (const to of steps) {
        for (const command of commandsBetween(from, to)) kernel.run(command);
        kernel.chains.delete("refuse");
        expect([...kernel.chains].sort()).toEqual([...to.chains].map(([name, rules]) => [name, [...rules]]).sort());
        expect([...kernel.sets].sort()).toEqual([...to.sets.keys()].sort());
        for (const [name, elements] of kernel.elements) {
          expect([...elements].sort()).toEqual([...(to.elements.get(name as never) ?? [])].sort());
        }
        kernel.chains.set("refuse", []);
        from = to;
      }
    }),
    { numRuns: 300 },
  );
});

test("nothing is to be done between equal rulesets", () => {
  fc.assert(
    fc.property(anyRuleset, (ruleset) => {
      expect(commandsBetween(ruleset, ruleset)).toEqual([]);
    }),
  );
});

test("UDP flows to an endpoint that left are stale, those of TCP end by themselves", () => {
  const place = { nodeName: "n1", clusterCidrs: [], answeredHere: new Set<string>(), insideOf: () => [] };
  const rules = (protocol: string, ips: string[]) =>
    rulesOfService(
      aService({ type: "NodePort", ports: [{ name: "http", port: 53, nodePort: 30053, protocol }] }),
      [
        aSlice(
          ips.map((ip) => anEndpoint(ip)),
          { ports: [{ name: "http", port: 53, protocol }] },
        ),
      ],
      place,
    );
  const [both, one, none] = [["10.42.0.2", "10.42.0.3"], ["10.42.0.3"], []].map((ips) => rules("UDP", ips));
  expect(staleFlows(both!, one!)).toEqual([
    { family: 4, address: "10.43.0.5", port: 53, endpoint: "10.42.0.2" },
    { family: 4, address: undefined, port: 30053, endpoint: "10.42.0.2" },
  ]);
  expect(staleFlows(none!, one!)).toEqual([{ family: 4, address: undefined, port: 30053 }]);
  expect(staleFlows(rules("TCP", ["10.42.0.2"]), rules("TCP", []))).toEqual([]);
});
