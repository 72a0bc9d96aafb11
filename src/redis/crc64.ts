import { CRC_STAGE_BYTE, CRC_STAGE_BYTES, CRC_TABLES, type CrcCode, crcCode } from './crc64-code.js';

/**
 * CRC-64 as Redis ends its RDB files with (crc64.c: the Jones polynomial 0xad93d23594c935a9, reflected, start and end
 * value 0), sixteen bytes at a time (slicing by sixteen).
 */
export interface Crc64 {
  /** Takes `bytes` from `from` (default 0) to `to` (default all) into the sum. */
  update(bytes: Uint8Array, from?: number, to?: number): void;
  /** The sum of everything taken in so far, unsigned 64 bits. */
  value(): bigint;
  /** Whether the sum equals the eight little-endian bytes that stand at `at`. */
  equals(bytes: Uint8Array, at: number): boolean;
}

const reflected = 0x95ac9329ac4bc9b5n;

/** Little-endian, as the loop reads it on every machine. */
function fillTables(table: DataView): void {
  for (let byte = 0; byte < 256; byte++) {
    let sum = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) sum = sum & 1n ? (sum >> 1n) ^ reflected : sum >> 1n;
    table.setBigUint64(byte * 8, sum, true);
  }
  for (let at = 256; at < CRC_TABLES * 256; at++) {
    const before = table.getBigUint64((at - 256) * 8, true);
    table.setBigUint64(at * 8, (before >> 8n) ^ table.getBigUint64(Number(before & 0xffn) * 8, true), true);
  }
}

/** The loop and where it reads from. */
interface Machine {
  readonly code: CrcCode;
  readonly stage: Uint8Array;
}

let machine: Machine | undefined;

/** One for all sums: it keeps nothing between two calls. Made when it is first needed. */
function theMachine(): Machine {
  if (machine !== undefined) return machine;
  const code = crcCode();
  fillTables(new DataView(code.memory.buffer));
  machine = { code, stage: new Uint8Array(code.memory.buffer, CRC_STAGE_BYTE, CRC_STAGE_BYTES) };
  return machine;
}

/** A fresh sum. */
export function createCrc64(): Crc64 {
  const { code, stage } = theMachine();
  let sum = 0n;
  const value = () => BigInt.asUintN(64, sum);
  return {
    update(bytes, from = 0, to = bytes.length) {
      for (let at = from; at < to; ) {
        const part = bytes.subarray(at, Math.min(to, at + CRC_STAGE_BYTES));
        stage.set(part);
        sum = code.crc(sum, CRC_STAGE_BYTE, CRC_STAGE_BYTE + part.length);
        at += part.length;
      }
    },
    value,
    equals: (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0, true) === value(),
  };
}
