interface Sort {
  readonly name: string;
  readonly pattern: RegExp;
  readonly least: bigint;
  readonly most: bigint;
}

const sorts = {
  int64: { name: "ParseInt", pattern: /^[+-]?\d+$/, least: -(2n ** 63n), most: 2n ** 63n - 1n },
  uint64: { name: "ParseUint", pattern: /^\d+$/, least: 0n, most: 2n ** 64n - 1n },
} as const satisfies Record<string, Sort>;

/** What Go's strconv says of a text that is no such number; undefined: it is one. */
export function integerFault(text: string, sort: keyof typeof sorts): string | undefined {
  const { name, pattern, least, most } = sorts[sort];
  const fault = (why: string): string => `strconv.${name}: parsing ${JSON.stringify(text)}: ${why}`;
  if (!pattern.test(text)) return fault("invalid syntax");
  const value = BigInt(text.replace(/^\+/, ""));
  return value < least || value > most ? fault("value out of range") : undefined;
}
