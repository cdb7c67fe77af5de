/**
 * A warning as the Warning header carries it (RFC 7234 section 5.5: code 299, no agent). A header holds no control
 * characters, so they are written as \uXXXX; what is beyond ASCII goes as its UTF-8 bytes, one a character, which is how
 * Node.js takes the bytes of a header.
 */
export function warningHeader(text: string): string {
  const printable = text.replace(/[\r\n]+/g, " ").replace(/\p{Cc}/gu, escaped);
  return `299 - "${Buffer.from(printable.replace(/[\\"]/g, "\\$&")).toString("latin1")}"`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
