import { setMaxListeners } from 'node:events';
import { RunbookError } from '../errors.js';
import type { From, NotSeen, Seen, SeenValue, WhyNot } from '../model/seen.js';
import { afterAwake } from './awake.js';
import { ChannelLost } from './channel.js';

/** A reading with a value, taken now. */
export function saw<T>(value: T, from: From): SeenValue<T> {
  return { ok: true, value, from, at: new Date().toISOString() };
}

/** A reading without a value, taken now. */
export function missed(why: WhyNot, detail: string, from: From): NotSeen {
  return { ok: false, why, detail, from, at: new Date().toISOString() };
}

const whyByCode: Readonly<Record<string, WhyNot>> = {
  ENOENT: 'absent',
  ENOTDIR: 'absent',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  EPIPE: 'refused',
  EHOSTUNREACH: 'timeout',
  ENETUNREACH: 'timeout',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'refused',
  EADDRNOTAVAIL: 'refused',
  EISDIR: 'unparseable',
  EFBIG: 'too-large',
  ENOTASKED: 'not-asked',
};

/** The code of a system error (`ENOENT`), or an empty text. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The words of an error for a person. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error as a reading. Only "no such file" is knowledge; an unknown error means that the system denied the reading. */
export function missedBy(error: unknown, from: From): NotSeen {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return missed('timeout', reasonOf(error), from);
  }
  // A reading has no effect that could be in doubt: it has only not been answered.
  if (error instanceof ChannelLost) return missed('timeout', error.message.replace(/: whether .*$/, ''), from);
  // Without the line that would give the right nobody knows what to do about it.
  const facts = error instanceof RunbookError && error.word === 'sudo' ? error.facts : [];
  return missed(whyByCode[codeOf(error)] ?? 'denied', [reasonOf(error), ...facts].join('; '), from);
}

/** Runs a reading; whatever it throws becomes the reason why there is none. */
export async function reading<T>(from: From, work: () => Promise<T>): Promise<Seen<T>> {
  try {
    return saw(await work(), from);
  } catch (error) {
    return missedBy(error, from);
  }
}

/**
 * Calls `stop` when the signal ends, at once when it has. Returns what takes the listener away again. Many readings
 * wait for one signal, which Node would call a leak on stderr.
 */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return () => signal.removeEventListener('abort', stop);
}

/**
 * Work with its own time limit. After `timeoutMs`, or when `signal` ends, the signal that `work` was given ends and this
 * rejects with a TimeoutError, whatever becomes of the work.
 */
export async function inTime<T>(
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  let give: (error: Error) => void = () => undefined;
  const over = new Promise<never>((_, reject) => {
    give = reject;
  });
  const end = (detail: string) => () => {
    own.abort();
    give(new DOMException(detail, 'TimeoutError'));
  };
  const answered = afterAwake(timeoutMs, end(`no answer in ${timeoutMs} ms`));
  const forget = onAbort(signal, end('stopped'));
  try {
    return await Promise.race([over, work(own.signal)]);
  } finally {
    answered();
    forget();
  }
}

/** A reading with its own time limit, as `inTime`: then the answer is `timeout`. Never rejects. */
export async function within<T>(
  from: From,
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Seen<T>>,
): Promise<Seen<T>> {
  return inTime(timeoutMs, signal, work).catch((error: unknown) => missedBy(error, from));
}
