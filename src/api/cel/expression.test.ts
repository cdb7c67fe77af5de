import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JSONSchemaProps } from "../schema/types.ts";
import { estimateCost } from "./estimate.ts";
import { CompileError, compileExpression } from "./expression.ts";
import { valueFromJson } from "./from-json.ts";
import { CostExceeded, CostMeter } from "./run-cost.ts";
import { declarationOf } from "./schema.ts";
import { jsonFromValue } from "./to-json.ts";

const schema: JSONSchemaProps = {
  type: "object",
  properties: {
    a: { type: "integer" },
    b: { type: "integer" },
    s: { type: "string" },
    short: { type: "string", maxLength: 10 },
    l: { type: "array", items: { type: "string" } },
    set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    m: { type: "object", additionalProperties: { type: "integer" } },
    d: { type: "string", format: "date-time" },
    x: { "x-kubernetes-int-or-string": true },
    "a-b": { type: "string" },
    namespace: { type: "string" },
    o: { type: "object", properties: { p: { type: "string" } } },
  },
};
const json = {
  a: 1,
  b: 2,
  s: "hello",
  short: "hi",
  l: ["a", "kb"],
  set: ["x", "y"],
  m: { x: 7 },
  d: "2024-01-02T03:04:05Z",
  x: "5%",
  "a-b": "dash",
  namespace: "ns",
  o: { p: "q" },
};
const declaration = declarationOf(schema, { isResource: false, name: "selfType" });
if (!declaration) throw new Error("the schema has a type");
const variables = new Map([["self", declaration.type]]);
const self = valueFromJson(json, declaration);

/** The value as JSON, or the text of what went wrong. */
function outcome(text: string, limit = 1_000_000): unknown {
  try {
    const expression = compileExpression(text, { variables });
    return jsonFromValue(expression.evaluate((name) => (name === "self" ? self : undefined), new CostMeter(limit)));
  } catch (error) {
    return (error as Error).message;
  }
}

describe("an expression's value", () => {
  test.each<[text: string, value: unknown]>([
    ["self.a < self.b", true],
    ["self.a + 2 * 3 - 10 / 3 % 2", 6],
    ["-self.a", -1],
    ["self.a > 1.5 || 2u == uint(self.b)", true],
    ["self.s.matches('^h') && self.s.size() == 5", true],
    ["self.l.all(x, x.startsWith('k'))", false],
    ["self.l.exists(x, x.startsWith('k'))", true],
    ["self.l.exists_one(x, x == 'a')", true],
    // A fold that goes wrong inside of another one leaves nothing behind.
    ["self.l.filter(x, [0].exists(y, 1 / y > 0) || x.size() > 0)", ["a", "kb"]],
    ["self.l.map(x, [0].map(x, 1 / x).size() > 5 || x.size() > 0, x)", ["a", "kb"]],
    ["self.l.map(x, x + '!')", ["a!", "kb!"]],
    ["self.l.map(x, x.size() > 1, x)", ["kb"]],
    ["self.l.filter(x, x != 'a')", ["kb"]],
    ["self.m.exists(k, self.m[k] > 5)", true],
    ["self.l.all(i, v, i < 2 && v != '')", true],
    ["self.m.transformMap(k, v, v + 1)", { x: 8 }],
    ["self.l.transformList(i, v, i)", [0, 1]],
    ["has(self.o.p) && self.o.p == 'q'", true],
    ["has(self.m.zz)", false],
    ["self.?o.?p.orValue('z')", "q"],
    ["self.m[?'zz'].orValue(3)", 3],
    ["optional.of(1).optMap(x, x + 1).value()", 2],
    ["{'a': 1, ?'b': optional.none()}", { a: 1 }],
    ["self.__namespace__ + self.a__dash__b", "nsdash"],
    ["type(self.x) == string ? self.x == '5%' : self.x == 5", true],
    ["self.d > timestamp('2020-01-01T00:00:00Z') && self.d.getFullYear() == 2024", true],
    ["self.d + duration('36h') == timestamp('2024-01-03T15:04:05Z')", true],
    ["string(duration('90m')) + string(self.d)", "5400s2024-01-02T03:04:05Z"],
    ["self.set == ['y', 'x'] && self.l != ['kb', 'a']", true],
    ["(self.set + ['y', 'z']).size()", 3],
    ["'%s of %d, %.2f, %x'.format([dyn(['a', 'b']), 3, 1.5, 255])", "[a, b] of 3, 1.50, ff"],
    ["'a,b,c'.split(',', 2)", ["a", "b,c"]],
    ["['b', 'a'].join('-').upperAscii().replace('-', '')", "BA"],
    ["'tacocat'.lastIndexOf('c') == 4 && 'tacocat'.substring(4) == 'cat'", true],
    ["'ab12'.find('[0-9]+') + string('a1b2'.findAll('[0-9]').size())", "122"],
    ["[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [1, 2].isSorted()", true],
    ["sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && !sets.equivalent([1], [2])", true],
    ["quantity('1Mi').compareTo(quantity('1048576')) == 0 && !isQuantity('lots')", true],
    ["quantity('1k').add(24).asInteger()", 1024],
    ["url('https://u@[::1]:80/c?k=1&k=2').getHostname()", "::1"],
    ["url('https://a.b:80/c?k=1&k=2').getQuery()", { k: ["1", "2"] }],
    ["isURL('../x') || isURL('')", false],
    ["ip('10.0.0.1').family() == 4 && !isIP('::ffff:1.2.3.4') && ip('fe80::1').isLinkLocalUnicast()", true],
    ["cidr('10.0.0.0/8').containsIP('10.1.1.1') && !cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')", true],
    ["semver('1.2.3-rc.1').isLessThan(semver('v1.2.3', true)) && !isSemver('1.2')", true],
    ["format.dns1123Label().validate('ok').hasValue()", false],
    ["1 in [1, 2] && 'x' in self.m && !(1 in {})", true],
    ["[self.a / 0 == 1, true].exists(x, x)", "division by zero"],
    ["self.a / 0 == 1 || true", true],
    ["self.l.exists(x, self.l[5] == x || x == 'a')", true],
    ['r\'\\d\' + \'\\u00e9\' + """a\'b"""', "\\déa'b"],
    ["b'abc' == bytes('abc') && b'\\x61' != b'b'", true],
  ])("%s", (text, value) => {
    expect(outcome(text)).toEqual(value);
  });

  test.each([
    ["10 / (self.a - 1)", "division by zero"],
    ["self.m.zz", "no such key: zz"],
    ["self.l[5]", "index out of bounds: 5"],
    ["dyn(1) + 'a'", "no such overload"],
    ["9223372036854775807 + self.a", "integer overflow"],
    ["optional.none().value()", "optional.none() dereference"],
    ["int('99999999999999999999')", "type conversion error from 'string' to 'int'"],
    ["uint('-1')", "type conversion error from 'string' to 'uint'"],
    ["double('x')", "type conversion error from 'string' to 'double'"],
  ])("%s has none: %s", (text, message) => {
    expect(outcome(text)).toBe(message);
  });
});

describe("an expression that does not fit", () => {
  test.each([
    [
      "self.x.y.z == 1 && self.zz",
      "ERROR: <input>:1:24: undefined field 'zz'\n | self.x.y.z == 1 && self.zz\n | .......................^",
    ],
    [
      "self.a == 'x'",
      "ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, string)'\n | self.a == 'x'\n | .......^",
    ],
    ["nope(self.a)", "ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')\n | nope(self.a)\n | ....^"],
    [
      "self.s.startsWith(1)",
      "ERROR: <input>:1:18: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.s.startsWith(1)\n | .................^",
    ],
    ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
    [
      "self.s.matches('(')",
      "ERROR: <input>:1:16: invalid matches argument\n | self.s.matches('(')\n | ...............^",
    ],
    [
      "self.l.all(1, true)",
      "ERROR: <input>:1:12: argument must be a simple name\n | self.l.all(1, true)\n | ...........^",
    ],
    ["a b", "ERROR: <input>:1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^"],
    ["f(1", "ERROR: <input>:1:4: Syntax error: missing ')' at '<EOF>'\n | f(1\n | ...^"],
    ["1 +\n$ 2", "ERROR: <input>:2:1: Syntax error: token recognition error at: '$'\n | $ 2\n | ^"],
  ])("%s", (text, message) => {
    expect(outcome(text)).toBe(message);
  });

  test("is refused with words, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."self.a()[]{}'\"&|!?:<>=+-0u, `\\n$") }), (text) => {
        try {
          compileExpression(text, { variables });
        } catch (error) {
          expect(error).toBeInstanceOf(CompileError);
        }
      }),
    );
  });
});

describe("what an expression costs", () => {
  test.each([
    ["self.a < self.b", 5],
    ["self.short.matches('[a-z]+')", 12],
    ["self.s == self.s + self.s", 943_725],
    ["self.l.all(x, x.startsWith('k'))", 5_242_878],
    ["self.m.exists(k, self.m[k] > 5)", 4_044_504],
  ])("%s: at most %d", (text, cost) => {
    const sizes = new Map([["self", declaration]]);
    expect(estimateCost(compileExpression(text, { variables }), sizes)).toBe(cost);
  });

  test("never exceeds what was estimated", () => {
    const parts = ["self.a < 2", "self.s.contains('l')", "self.l.exists(x, x == self.s)", "self.m.all(k, k != '')"];
    const whole = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(whole, fc.constantFrom("&&", "||"), (texts, operator) => {
        const expression = compileExpression(texts.join(` ${operator} `), { variables });
        const meter = new CostMeter(Number.POSITIVE_INFINITY);
        expression.evaluate(() => self, meter);
        expect(meter.spent).toBeLessThanOrEqual(estimateCost(expression, new Map([["self", declaration]])));
      }),
    );
  });

  test("stops an evaluation at its limit", () => {
    const long = `[${"1,".repeat(100)}1]`;
    const text = `${long}.all(a, ${long}.all(b, ${long}.all(c, a == b && b == c)))`;
    const expression = compileExpression(text, { variables });
    expect(() => expression.evaluate(() => self, new CostMeter(10_000))).toThrow(CostExceeded);
  });
});
