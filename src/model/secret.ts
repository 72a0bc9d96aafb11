import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The text that stands wherever a secret would have been written. */
export const REDACTED = '[redacted]';

/**
 * Key of the keyed hashes of one process. Two secrets read by the same process can be compared by hash without either
 * being shown; a hash from another process says nothing.
 */
const processKey = randomBytes(32);

/** A keyed hash of `text`, 16 hex digits, comparable only inside this process (and inside what it saved). */
export function keyedHash(text: string): string {
  return createHmac('sha256', processKey).update(text, 'utf8').digest('hex').slice(0, 16);
}

/**
 * A password or another value that must reach no argument list, environment, log, journal, plan, report or terminal.
 * It prints as `[redacted]` in every way JavaScript prints a value; the only way out is `reveal`.
 */
export class Secret {
  readonly #text: string;
  readonly hash: string;

  constructor(text: string) {
    this.#text = text;
    this.hash = keyedHash(text);
  }

  /** Hands the text to `use` and returns what it returns. Keep the use as small as one call. */
  reveal<T>(use: (text: string) => T): T {
    return use(this.#text);
  }

  equals(other: Secret): boolean {
    const a = Buffer.from(this.hash);
    const b = Buffer.from(other.hash);
    return a.length === b.length && timingSafeEqual(a, b);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/** The token that replaces a secret inside a text that is kept (a config file in a RawHost): one config word, no quoting needed. */
export function secretToken(text: string): string {
  return `{secret:${keyedHash(text)}}`;
}

const TOKEN = /^\{secret:([0-9a-f]{16})\}$/;

/** The keyed hash inside a secret token, or undefined when the word is no such token. */
export function hashOfToken(word: string): string | undefined {
  return TOKEN.exec(word)?.[1];
}
