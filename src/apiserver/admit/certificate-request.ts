/** A value in DER (ITU-T X.690): its tag, and its content. */
interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

const sequence = 0x30;
const objectIdentifier = 0x06;
// Attribute "organizationName" of a distinguished name.
const organization = Buffer.from([0x55, 0x04, 0x0a]);

/** The organizations that a certificate request names as its subject (RFC 2986); undefined for what is no request. */
export function organizationsIn(pem: string): string[] | undefined {
  const body = /-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE REQUEST-----/.exec(pem)?.[1];
  if (body === undefined) return undefined;
  const [request] = valuesIn(Buffer.from(body, "base64"));
  const [info] = within(request, sequence);
  const [, subject] = within(info, sequence);
  if (subject?.tag !== sequence) return undefined;
  return valuesIn(subject.content)
    .flatMap((names) => valuesIn(names.content))
    .map((attribute) => valuesIn(attribute.content))
    .flatMap(([type, value]) =>
      type?.tag === objectIdentifier && type.content.equals(organization) && value ? [value.content.toString()] : [],
    );
}

function within(value: Value | undefined, tag: number): Value[] {
  return value?.tag === tag ? valuesIn(value.content) : [];
}

/** The values that follow each other; what is cut off or too long to be true ends them. */
function valuesIn(bytes: Buffer): Value[] {
  const values: Value[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
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
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}
