import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  TRUNCATED_RESPONSE,
} from "dns-packet";

/** A question that came in. */
export interface Query {
  readonly packet: DecodedPacket;
  readonly raw: Buffer;
  /** What kind of question: 0 is the usual one. */
  readonly opcode: number;
  /** The longest answer that the asker takes, in bytes. */
  readonly limit: number;
}

const recursionAvailable = 1 << 7;
const recursionDesired = 1 << 8;

export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export type Rcode = keyof typeof rcodes;

/** The size of a UDP message that passes everywhere without fragments (DNS flag day 2020). */
const udpPayloadSize = 1232;

/** What the length in front of a message can say that travels over TCP (RFC 1035, 4.2.2). */
const longestOverTcp = 65_535;

/** Reads a message; undefined when it is no question that can be answered, not even with an error. */
export function queryFrom(raw: Buffer, transport: "udp" | "tcp"): Query | undefined {
  // 12 bytes of header; the highest bit of the third says that it is an answer itself.
  if (raw.length < 12 || (raw.readUInt8(2) & 0x80) !== 0) return undefined;
  try {
    const packet = decode(raw);
    const edns = packet.additionals?.find((record) => record.type === "OPT");
    const offered = edns?.type === "OPT" ? edns.udpPayloadSize : 512;
    const opcode = (raw.readUInt8(2) >> 3) & 0x0f;
    return {
      packet,
      raw,
      opcode,
      limit: transport === "udp" ? Math.max(512, Math.min(offered, 4096)) : longestOverTcp,
    };
  } catch {
    return undefined;
  }
}

export interface AnswerParts {
  readonly rcode: Rcode;
  readonly authoritative?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** The answer's bytes. What does not fit loses its additional records, then is cut short and says so. */
export function encodeAnswer({ packet, limit }: Query, parts: AnswerParts): Buffer {
  const { rcode, authoritative = false, answers = [], authorities = [], additionals = [] } = parts;
  const flags =
    ((packet.flags ?? 0) & recursionDesired) |
    recursionAvailable |
    (authoritative ? AUTHORITATIVE_ANSWER : 0) |
    rcodes[rcode];
  const edns: Answer[] = packet.additionals?.some(({ type }) => type === "OPT") ? [optRecord()] : [];
  const bytes = (answers: readonly Answer[], additionals: readonly Answer[], cut = 0): Buffer => {
    const whole: Packet = {
      type: "response",
      id: packet.id,
      flags: flags | cut,
      questions: packet.questions?.slice(0, 1),
      answers: [...answers],
      authorities: [...authorities],
      additionals: [...additionals, ...edns],
    };
    return encode(whole);
  };
  const fits = (buffer: Buffer): boolean => buffer.length <= limit;
  const whole = bytes(answers, additionals);
  if (fits(whole)) return whole;
  const bare = bytes(answers, []);
  if (fits(bare)) return bare;
  // The records of one answer are about the same size; start near what fits.
  let count = Math.min(answers.length - 1, Math.floor((answers.length * limit) / bare.length) + 1);
  let short = bytes(answers.slice(0, count), [], TRUNCATED_RESPONSE);
  while (count > 0 && !fits(short)) short = bytes(answers.slice(0, --count), [], TRUNCATED_RESPONSE);
  return short;
}

function optRecord(): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize,
    flags: 0,
    extendedRcode: 0,
    ednsVersion: 0,
    flag_do: false,
    options: [],
  } as Answer;
}
