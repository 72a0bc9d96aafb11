/**
 * Config files are bytes to Redis, and text here. UTF-8 is decoded as such; a byte that is no UTF-8 becomes the lone
 * surrogate U+DC00 + byte, so that every file comes back byte for byte. Whoever reads a file that will be written
 * again decodes and encodes it with these two.
 */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const loneByte = /([\udc80-\udcff])/u;

/** The text of `bytes`; never throws. `encodeText(decodeText(bytes))` equals `bytes`, a byte order mark included. */
export function decodeText(bytes: Uint8Array): string {
  return decoded(bytes) ?? decodedPiecewise(bytes);
}

/** The bytes of `text`; lone surrogates U+DC80 to U+DCFF become the single byte that they stand for. */
export function encodeText(text: string): Uint8Array {
  if (!loneByte.test(text)) return encoder.encode(text);
  const pieces = text
    .split(loneByte)
    .map((piece) => (loneByte.test(piece) ? Uint8Array.of(piece.charCodeAt(0) & 0xff) : encoder.encode(piece)));
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The character that stands for one byte: itself below 0x80, else a lone surrogate until its neighbours complete it. */
export function charOfByte(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
}

/** Joins bytes that `charOfByte` gave singly into the characters that they form together. */
export function joinBytes(text: string): string {
  return loneByte.test(text) ? decodeText(encodeText(text)) : text;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function decodedPiecewise(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const text = at + length <= bytes.length ? decoded(bytes.subarray(at, at + length)) : undefined;
    parts.push(text ?? charOfByte(bytes[at] ?? 0));
    at += text === undefined ? 1 : length;
  }
  return parts.join('');
}

function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
