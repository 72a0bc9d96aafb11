/** The short strings of an RDB header: what rdb.c:rdbGenericLoadStringObject reads, for the few that are looked at. */

const decoder = new TextDecoder('latin1');

/** Bytes as text, one character a byte. */
export function latin1(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A signed little-endian integer of 1, 2 or 4 bytes (the encodings C0, C1, C2) as decimal text. */
export function integerText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 1) return String(view.getInt8(0));
  return String(bytes.length === 2 ? view.getInt16(0, true) : view.getInt32(0, true));
}

/** LZF decompression (lzf_d.c). Undefined when the data do not give exactly `length` bytes. */
export function lzfDecompress(from: Uint8Array, length: number): Uint8Array | undefined {
  const to = new Uint8Array(length);
  let read = 0;
  let written = 0;
  while (read < from.length) {
    const control = from[read++] ?? 0;
    if (control < 32) {
      const literal = from.subarray(read, read + control + 1);
      if (written + literal.length > length) return undefined;
      to.set(literal, written);
      read += control + 1;
      written += literal.length;
      continue;
    }
    let count = control >> 5;
    if (count === 7) count += from[read++] ?? 0;
    let back = written - ((control & 0x1f) << 8) - 1 - (from[read++] ?? 0);
    if (back < 0 || written + count + 2 > length) return undefined;
    for (let left = count + 2; left > 0; left--) to[written++] = to[back++] ?? 0;
  }
  return written === length ? to : undefined;
}
