/** A value in DER (ITU-T X.690): its tag, its content, and all its bytes. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

export const sequence = 0x30;
export const bitString = 0x03;
export const objectIdentifier = 0x06;

/** The values inside a value of this tag; none where it is another. */
export function within(value: DerValue | undefined, tag: number): DerValue[] {
  return value?.tag === tag ? valuesIn(value.content) : [];
}

/** The values that follow each other; what is cut off or too long to be true ends them. */
export function valuesIn(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const start = at;
    const tag = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length >= 0x80) {
      const digits = length - 0x80;
      if (digits === 0 || digits > 4 || at + digits > bytes.length) return values;
      length = bytes.readUIntBE(at, digits);
      at += digits;
    }
    if (at + length > bytes.length) return values;
    values.push({ tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(start, at + length) });
    at += length;
  }
  return values;
}
