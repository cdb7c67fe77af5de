import { encode } from "dns-packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeAnswer, queryFrom } from "../../src/network/dns/message.ts";
import { mutated, numRuns } from "./mutations.ts";

const question = (name: string, type: "A" | "AAAA" | "SRV" | "PTR", additionals: unknown[] = []) =>
  encode({ type: "query", id: 7, flags: 256, questions: [{ type, name }], additionals: additionals as never });
const seeds = [
  question("web.default.svc.cluster.local", "A"),
  question("_http._tcp.web.default.svc.cluster.local", "SRV"),
  question("10.0.42.10.in-addr.arpa", "PTR"),
  question("example.com", "AAAA", [{ type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0, options: [] }]),
  // A name that points at itself.
  Buffer.from("000701000001000000000000c00c00010001", "hex"),
];

test("a message is a question that can be answered, with an error at least, or is none", () => {
  fc.assert(
    fc.property(mutated(seeds), fc.constantFrom("udp", "tcp"), (bytes, transport) => {
      const query = queryFrom(bytes, transport);
      if (!query) return;
      const answer = encodeAnswer(query, { rcode: "FORMERR" });
      expect(answer.readUInt16BE(0)).toBe(bytes.readUInt16BE(0));
      if (query.limit !== undefined) expect(answer.length).toBeLessThanOrEqual(query.limit);
    }),
    { numRuns },
  );
});
