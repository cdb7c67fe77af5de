import fc from "fast-check";

/** How many inputs one property tries; SKIFF_FUZZ_RUNS for a longer hunt. A failure prints its seed and the smallest input. */
export const numRuns = Number(process.env.SKIFF_FUZZ_RUNS ?? 1000);

type Mutation = (bytes: Buffer) => Buffer;

const at = fc.double({ min: 0, max: 1, noNaN: true });
const short = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes));
const place = (bytes: Buffer, where: number) => Math.floor(where * bytes.length);
const replaced = (bytes: Buffer, from: number, to: number, by: Buffer) =>
  Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);

/** What happens to bytes on their way, and what somebody with bad intentions does to them. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(at, short).map(
    ([where, by]): Mutation =>
      (bytes) => {
        const from = place(bytes, where);
        return replaced(bytes, from, from + by.length, by);
      },
  ),
  fc.tuple(at, short).map(
    ([where, by]): Mutation =>
      (bytes) => {
        const from = place(bytes, where);
        return replaced(bytes, from, from, by);
      },
  ),
  fc.tuple(at, fc.nat(20)).map(
    ([where, length]): Mutation =>
      (bytes) => {
        const from = place(bytes, where);
        return replaced(bytes, from, from + length, Buffer.alloc(0));
      },
  ),
  fc.tuple(at, at, fc.nat(40)).map(
    ([where, source, length]): Mutation =>
      (bytes) => {
        const [from, copied] = [place(bytes, where), place(bytes, source)];
        return replaced(bytes, from, from, bytes.subarray(copied, copied + length));
      },
  ),
  at.map(
    (where): Mutation =>
      (bytes) =>
        bytes.subarray(0, place(bytes, where)),
  ),
);

/** Valid inputs with up to six changes, and bytes that are nothing at all. */
export function mutated(seeds: readonly (Uint8Array | string)[]): fc.Arbitrary<Buffer> {
  const valid = fc.constantFrom(...seeds).map((seed): Buffer => Buffer.from(seed as string));
  const changed = fc
    .tuple(valid, fc.array(mutation, { maxLength: 6 }))
    .map(([bytes, mutations]) => mutations.reduce<Buffer>((so, mutate) => mutate(so), bytes));
  return fc.oneof(
    { weight: 5, arbitrary: changed },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
}

/** The same for texts. */
export function mutatedText(seeds: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    mutated(seeds).map((bytes) => bytes.toString()),
    fc.string({ unit: "binary", maxLength: 40 }),
  );
}
