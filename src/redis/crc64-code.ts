/**
 * The loop of the CRC64, assembled: 64-bit words are a third of the time of two 32-bit halves in JavaScript, and reading a
 * dump is mostly this. Sixteen tables of 256 words each stand from byte 0 of the memory on; `crc (sum, at, end)` gives the sum
 * with the bytes of the memory from `at` to `end` taken in. Of this text (its sixteen look-ups written out):
 *
 *     (module
 *       (memory (export "memory") 2)
 *       (func (export "crc") (param $sum i64) (param $at i32) (param $end i32) (result i64) (local $a i64) (local $b i64)
 *         (block (loop
 *           (br_if 1 (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
 *           (local.set $a (i64.xor (local.get $sum) (i64.load (local.get $at))))
 *           (local.set $b (i64.load offset=8 (local.get $at)))
 *           ;; sum = xor of: byte n of $a in table 15-n, byte n of $b in table 7-n; byte n of $a there is
 *           ;; (i64.load offset=(15-n)*2048 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const n*8-3)) (i64.const 0x7f8))))
 *           (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *           (br 0)))
 *         (block (loop
 *           (br_if 1 (i32.ge_u (local.get $at) (local.get $end)))
 *           ;; sum = (sum >>> 8) ^ table 0 of (sum ^ byte) & 255
 *           (local.set $at (i32.add (local.get $at) (i32.const 1)))
 *           (br 0)))
 *         (local.get $sum)))
 */
const code =
  'AGFzbQEAAAABCAFgA35/fwF+AwIBAAUDAQACBxACBm1lbW9yeQIAA2NyYwAACtwCAdkCAQJ+AkADQCABQRBqIAJLDQEgACABKQMAhSEDIAEpAwgh' +
  'BCADQgOGQvgPg6cpA4DwASADQgWIQvgPg6cpA4DgAYUgA0INiEL4D4OnKQOA0AGFIANCFYhC+A+DpykDgMABhSADQh2IQvgPg6cpA4CwAYUgA0Il' +
  'iEL4D4OnKQOAoAGFIANCLYhC+A+DpykDgJABhSADQjWIQvgPg6cpA4CAAYUgBEIDhkL4D4OnKQOAcIUgBEIFiEL4D4OnKQOAYIUgBEINiEL4D4On' +
  'KQOAUIUgBEIViEL4D4OnKQOAQIUgBEIdiEL4D4OnKQOAMIUgBEIliEL4D4OnKQOAIIUgBEItiEL4D4OnKQOAEIUgBEI1iEL4D4OnKQMAhSEAIAFB' +
  'EGohAQwACwsCQANAIAEgAk8NASAAIAExAACFQv8Bg0IDhqcpAwAgAEIIiIUhACABQQFqIQEMAAsLIAAL';

export const CRC_TABLES = 16;
/** Where bytes are put that are to be taken in, and how many fit. */
export const CRC_STAGE_BYTE = 65536;
export const CRC_STAGE_BYTES = 65536;

/** What the assembled loop exports. */
export interface CrcCode {
  readonly memory: { readonly buffer: ArrayBuffer };
  crc(sum: bigint, at: number, end: number): bigint;
}

// Part of every Node; the library of TypeScript that declares it is that of browsers.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** A fresh memory with the loop that works on it. */
export function crcCode(): CrcCode {
  const bytes = Uint8Array.from(atob(code), (char) => char.charCodeAt(0));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as CrcCode;
}
