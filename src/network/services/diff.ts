import { elementText, type Ruleset, tableName } from "./ruleset.ts";

/**
 * The commands that turn one ruleset into another, for one transaction. What is new comes before what refers to it; what
 * goes loses its references first.
 */
export function commandsBetween(from: Ruleset, to: Ruleset): string[] {
  const changed = [...to.chains].filter(([name, rules]) => !sameRules(from.chains.get(name), rules));
  const newChains = changed.filter(([name]) => !from.chains.has(name));
  const goneChains = [...from.chains.keys()].filter((name) => !to.chains.has(name));
  return [
    ...missing(from.sets, to.sets).map(([name, body]) => `add set ${tableName} ${name} { ${body} }`),
    ...newChains.map(([name]) => `add chain ${tableName} ${name}`),
    ...changed.filter(([name]) => from.chains.has(name)).map(([name]) => `flush chain ${tableName} ${name}`),
    ...changed.flatMap(([name, rules]) => rules.map((rule) => `add rule ${tableName} ${name} ${rule}`)),
    ...elementCommands(from, to),
    ...goneChains.map((name) => `flush chain ${tableName} ${name}`),
    ...goneChains.map((name) => `delete chain ${tableName} ${name}`),
    ...missing(to.sets, from.sets).map(([name]) => `delete set ${tableName} ${name}`),
  ];
}

function elementCommands(from: Ruleset, to: Ruleset): string[] {
  const names = new Set([...from.elements.keys(), ...to.elements.keys()]);
  const commands = [...names].map((name) => {
    const [before, after] = [from.elements.get(name) ?? new Map(), to.elements.get(name) ?? new Map()];
    const differs = ([key, verdict]: [string, string], there: ReadonlyMap<string, string>) =>
      there.get(key) !== verdict;
    const gone = [...before].filter((entry) => differs(entry, after)).map(([key]) => key);
    const come = [...after].filter((entry) => differs(entry, before));
    return {
      remove: gone.length > 0 ? [`delete element ${tableName} ${name} { ${gone.join(", ")} }`] : [],
      add: come.length > 0 ? [`add element ${tableName} ${name} { ${come.map(elementText).join(", ")} }`] : [],
    };
  });
  return [...commands.flatMap(({ remove }) => remove), ...commands.flatMap(({ add }) => add)];
}

function missing<V>(from: ReadonlyMap<string, V>, to: ReadonlyMap<string, V>): [string, V][] {
  return [...to].filter(([name]) => !from.has(name));
}

function sameRules(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a === b || (a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]));
}
