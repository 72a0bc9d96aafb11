import type { Prng } from '../../src/lab/prng.js';

/** Bytes after one accident, and which. */
export interface Bent {
  readonly bytes: Uint8Array;
  readonly how: string;
}

type Accident = (bytes: Uint8Array, prng: Prng) => Bent;

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

function place(bytes: Uint8Array, prng: Prng): number {
  return prng.between(0, Math.max(0, bytes.length - 1));
}

function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (at < copy.length) copy[at] = to;
  return copy;
}

function flipped(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  const bit = prng.between(0, 7);
  return { bytes: changed(bytes, at, (bytes[at] ?? 0) ^ (1 << bit)), how: `bit ${bit} of byte ${at} flipped` };
}

function setTo(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  const to = prng.pick([0x00, 0xff, 0x80, 0x7f, 0x0a, 0x20, 0x22, 0x30, 0x39, prng.between(0, 255)]);
  return { bytes: changed(bytes, at, to), how: `byte ${at} set to ${to}` };
}

/** A digit that stays one keeps a text valid: the accidents that no parser can see. */
function otherDigit(bytes: Uint8Array, prng: Prng): Bent {
  const digits = [...bytes.keys()].filter((at) => (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39);
  if (digits.length === 0) return flipped(bytes, prng);
  const at = prng.pick(digits);
  return { bytes: changed(bytes, at, 0x30 + prng.between(0, 9)), how: `digit at ${at} changed` };
}

function cutEnd(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  return { bytes: bytes.slice(0, at), how: `cut at ${at} of ${bytes.length}` };
}

function cutOut(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  const length = prng.between(1, prng.pick([1, 8, 64, Math.max(1, bytes.length - at)]));
  return { bytes: joined(bytes.slice(0, at), bytes.slice(at + length)), how: `${length} bytes cut out at ${at}` };
}

function repeated(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  const length = prng.between(1, prng.pick([1, 8, 64, 512]));
  const times = prng.between(1, prng.pick([1, 4, 200]));
  const piece = bytes.slice(at, at + length);
  const more = Array.from({ length: times }, () => piece);
  const all = joined(bytes.slice(0, at + length), ...more, bytes.slice(at + length));
  return { bytes: all, how: `${piece.length} bytes at ${at} repeated ${times} times` };
}

function zeroed(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  const length = prng.between(1, prng.pick([4, 64, 4096]));
  const copy = Uint8Array.from(bytes);
  return { bytes: copy.fill(0, at, at + length), how: `${length} bytes at ${at} zeroed, as a lost block` };
}

function garbled(bytes: Uint8Array, prng: Prng): Bent {
  const at = place(bytes, prng);
  const length = prng.between(1, 16);
  const noise = Uint8Array.from({ length }, () => prng.between(0, 255));
  return { bytes: joined(bytes.slice(0, at), noise, bytes.slice(at)), how: `${length} foreign bytes at ${at}` };
}

const accidents: readonly Accident[] = [
  flipped,
  flipped,
  setTo,
  otherDigit,
  otherDigit,
  cutEnd,
  cutOut,
  repeated,
  zeroed,
  garbled,
];

/** One to four accidents to the same bytes. */
export function bent(bytes: Uint8Array, prng: Prng): Bent {
  const times = prng.chance(0.7) ? 1 : prng.between(2, 4);
  return Array.from({ length: times }).reduce<Bent>(
    (before) => {
      const after = prng.pick(accidents)(before.bytes, prng);
      return { bytes: after.bytes, how: before.how === '' ? after.how : `${before.how}, ${after.how}` };
    },
    { bytes, how: '' },
  );
}

/** The same for a text that came as bytes; what is no UTF-8 any more becomes the sign for it, as a reader of texts gets it. */
export function bentText(text: string, prng: Prng): { readonly text: string; readonly how: string } {
  const { bytes, how } = bent(Buffer.from(text), prng);
  return { text: Buffer.from(bytes).toString('utf8'), how };
}
