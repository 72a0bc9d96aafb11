const encoder = new TextEncoder();

/** The bytes of an append-only file: a list is a command, a text stands as it is. */
export function aofOf(...parts: readonly (readonly string[] | string)[]): Uint8Array {
  const texts = parts.map((part) =>
    typeof part === 'string'
      ? part
      : `*${part.length}\r\n${part.map((word) => `$${encoder.encode(word).length}\r\n${word}\r\n`).join('')}`,
  );
  return encoder.encode(texts.join(''));
}

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
