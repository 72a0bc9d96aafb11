import { decodeText } from '../../../redis/byte-text.js';

/** One record of an exchange: `\n MARK KIND WORDS…\n` and then raw bytes up to the next mark. */
export interface LookRecord {
  readonly kind: string;
  readonly words: readonly string[];
  readonly body: Buffer;
}

/**
 * The records of a stream. The mark is known to the reader and to the script alone (it went there on standard input), so
 * that no file can hold one. Bytes before the first record (a greeting of the login shell) are passed over; a last
 * record that was cut is given as far as it came.
 */
export function parseRecords(stream: Uint8Array, mark: string): readonly LookRecord[] {
  const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
  const start = `\n${mark} `;
  const records: LookRecord[] = [];
  for (let at = bytes.indexOf(start); at >= 0; ) {
    const next = bytes.indexOf(start, at + 1);
    const end = next < 0 ? bytes.length : next;
    const line = bytes.indexOf('\n', at + start.length);
    if (line >= 0 && line < end) {
      const [kind = '', ...words] = bytes.toString('latin1', at + start.length, line).split(' ');
      records.push({ kind, words, body: bytes.subarray(line + 1, end) });
    }
    at = next;
  }
  return records;
}

/** The first word of a body, which ends at a NUL (a path, as it is), and what comes behind it. */
export function labelled(body: Buffer): { readonly label: string; readonly rest: Buffer } {
  const nul = body.indexOf(0);
  if (nul < 0) return { label: decodeText(body), rest: body.subarray(body.length) };
  return { label: decodeText(body.subarray(0, nul)), rest: body.subarray(nul + 1) };
}

/** The words of a body that end with a NUL each. */
export function nulWords(body: Buffer): readonly string[] {
  const words: string[] = [];
  for (let at = 0; ; ) {
    const nul = body.indexOf(0, at);
    if (nul < 0) return words;
    words.push(decodeText(body.subarray(at, nul)));
    at = nul + 1;
  }
}
