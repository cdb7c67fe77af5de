import { describe, expect, test } from "vitest";
import { Path } from "../field.ts";
import { apiVersionOf, type Kind, type StoredAs } from "../kind.ts";
import type { AnyObject } from "../object.ts";
import { decodeValue } from "../schema/decode.ts";
import { isType, typeNode } from "../schema/table.ts";
import { builtinKinds } from "./all.ts";

const rows = builtinKinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind] as const);

/** The least that a client can send, as it is after decoding and defaulting. */
function least(kind: Kind, more: Record<string, unknown> = {}): AnyObject {
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name: "one" }, ...more };
  return defaulted(kind, object);
}

function defaulted(kind: Kind, given: object): AnyObject {
  const { object } = decodeValue(structuredClone(given), typeNode(kind.type));
  const whole = object as AnyObject;
  kind.strategy.defaults?.(whole);
  return whole;
}

describe("every built-in kind", () => {
  test("has a name of its own", () => {
    const unique = (names: readonly string[]) => expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([]);
    unique(builtinKinds.map((kind) => `${apiVersionOf(kind)}/${kind.plural}`));
    unique(builtinKinds.map((kind) => `${apiVersionOf(kind)}/${kind.kind}`));
    // The two groups of Events share theirs.
    unique(
      builtinKinds.filter(({ group, stored }) => !stored && group !== "events.k8s.io").flatMap((k) => k.shortNames),
    );
  });

  test.each(rows)("%s has a type in the schema", (_, kind) => {
    expect(isType(kind.type)).toBe(true);
  });

  test.each(rows)("%s is stored as a kind that there is", (_, { stored, plural }) => {
    if (!stored) return;
    const home = builtinKinds.find((k) => apiVersionOf(k) === apiVersionOf(stored) && k.plural === plural);
    expect(home).toBeDefined();
  });

  test.each(rows.filter(([, { verbs }]) => verbs.includes("list")))("%s has a table of any object", (_, kind) => {
    for (const object of [least(kind), least(kind, { status: {} })])
      for (const { cell } of kind.columns)
        expect(["string", "number", "boolean", "undefined"]).toContain(typeof cell(object, 0));
  });

  test.each(rows)("%s is given defaults once", (_, kind) => {
    const once = least(kind);
    expect(defaulted(kind, once)).toEqual(once);
  });

  test.each(rows)("%s is judged, however little it says", (_, kind) => {
    const object = least(kind);
    kind.strategy.prepareCreate?.(object, {
      user: { name: "u", uid: "", groups: [], extra: {} },
      now: 0,
      warn: () => undefined,
    });
    expect(() => kind.strategy.validate?.(object, new Path())).not.toThrow();
    expect(() => kind.strategy.warnings?.(object, undefined)).not.toThrow();
  });

  test.each(rows.filter(([, { stored }]) => stored))("%s survives being stored as another version", (_, kind) => {
    const { to, from } = kind.stored as StoredAs;
    const there = to(from(to(least(kind))));
    expect(to(from(structuredClone(there)))).toEqual(there);
  });
});
