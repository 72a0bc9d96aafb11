import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCrc64 } from '../../src/redis/crc64.js';

/** Bit by bit, as the definition reads. */
function slowCrc(bytes: Uint8Array): bigint {
  let sum = 0n;
  for (const byte of bytes) {
    sum ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) sum = sum & 1n ? (sum >> 1n) ^ 0x95ac9329ac4bc9b5n : sum >> 1n;
  }
  return sum;
}

describe('CRC64 of RDB files', () => {
  it('gives the check values of crc64.c', () => {
    const crc = createCrc64();
    expect(crc.value()).toBe(0n);
    crc.update(new TextEncoder().encode('123456789'));
    expect(crc.value()).toBe(0xe9c6d914c4b8d9can);
    expect(crc.equals(Uint8Array.of(0, 0xca, 0xd9, 0xb8, 0xc4, 0x14, 0xd9, 0xc6, 0xe9), 1)).toBe(true);
    expect(crc.equals(Uint8Array.of(0xca, 0xd9, 0xb8, 0xc4, 0x14, 0xd9, 0xc6, 0xe8), 0)).toBe(false);
  });

  it('is the definition for any bytes, in any two pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const crc = createCrc64();
        const at = Math.min(cut, bytes.length);
        crc.update(bytes, 0, at);
        crc.update(bytes, at);
        expect(crc.value()).toBe(slowCrc(bytes));
      }),
    );
  });

  it('is the same for much at once as for the same in small pieces', () => {
    const bytes = Uint8Array.from({ length: 200_003 }, (_, at) => (at * 2_654_435_761) >>> 13);
    const [whole, pieces] = [createCrc64(), createCrc64()];
    whole.update(bytes);
    for (let at = 0; at < bytes.length; at += 4097) pieces.update(bytes, at, Math.min(bytes.length, at + 4097));
    expect(whole.value()).toBe(slowCrc(bytes));
    expect(pieces.value()).toBe(whole.value());
  });
});
