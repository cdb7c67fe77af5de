import {
  dnsLabel,
  dnsLabel1035,
  dnsSubdomain,
  labelValue,
  qualifiedName,
  type TextRule,
} from "../../validate/names.ts";
import { ListValue, noValue, OpaqueValue, Optional } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

class FormatValue extends OpaqueValue {
  override readonly typeName = "kubernetes.NamedFormat";
  readonly name: string;
  readonly rule: TextRule;
  constructor(name: string, rule: TextRule) {
    super();
    this.name = name;
    this.rule = rule;
  }
  override equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

/** Names that something is appended to may end with a dash. */
function prefix(rule: TextRule): TextRule {
  return (text) => rule(text.replace(/-$/, "a"));
}

function pattern(expression: RegExp, message: string): TextRule {
  return (text) => (expression.test(text) ? [] : [message]);
}

const date = "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])";
const rules: Readonly<Record<string, TextRule>> = {
  dns1123Label: dnsLabel,
  dns1123Subdomain: dnsSubdomain,
  dns1035Label: dnsLabel1035,
  qualifiedName,
  dns1123LabelPrefix: prefix(dnsLabel),
  dns1123SubdomainPrefix: prefix(dnsSubdomain),
  dns1035LabelPrefix: prefix(dnsLabel1035),
  labelValue,
  uri: (text) =>
    /^([A-Za-z][A-Za-z0-9+.-]*:|\/)/.test(text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`],
  uuid: pattern(
    /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
    "does not match the UUID format",
  ),
  byte: pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "invalid base64"),
  date: pattern(new RegExp(`^${date}$`), "invalid date"),
  datetime: pattern(
    new RegExp(`^${date}[tT ]([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?([zZ]|[+-]\\d\\d:\\d\\d)$`),
    "invalid datetime",
  ),
};
const named = new Map(Object.entries(rules).map(([name, rule]) => [name, new FormatValue(name, rule)]));
const type = "kubernetes.NamedFormat";

/** Kubernetes docs, "Common Expression Language in Kubernetes", section "Kubernetes named format library". */
export const formats: Overload[] = [
  ...[...named].map(([name, value]) => overload(`format.${name}`, `format.${name}(): ${type}`, () => value)),
  overload("format-named", `format.named(string): optional(${type})`, (name: string) => new Optional(named.get(name))),
  overload(
    "format-validate",
    `(${type}).validate(string): optional(list(string))`,
    (format: FormatValue, text: string) => {
      const wrong = format.rule(text);
      return wrong.length === 0 ? noValue : new Optional(new ListValue(wrong));
    },
  ),
];
