/** Where a reading came from: the host, the node on it when there is one, and the file:line or the command. */
export interface From {
  readonly host: string;
  readonly node?: string;
  readonly source: string;
}

/** Why a reading is not there. Only `absent` is knowledge about the thing itself; the others say that nobody knows. */
export type WhyNot = 'absent' | 'denied' | 'timeout' | 'refused' | 'too-large' | 'unparseable' | 'not-asked';

export interface SeenValue<T> {
  readonly ok: true;
  readonly value: T;
  readonly from: From;
  /** ISO 8601 UTC */
  readonly at: string;
}

export interface NotSeen {
  readonly ok: false;
  readonly why: WhyNot;
  readonly detail: string;
  readonly from: From;
  /** ISO 8601 UTC */
  readonly at: string;
}

/** One reading: a value, or why there is none. "Did not answer" is data, never an exception. */
export type Seen<T> = SeenValue<T> | NotSeen;

/** The value of a reading, or undefined when it was not seen. */
export function known<T>(seen: Seen<T> | undefined): T | undefined {
  return seen?.ok ? seen.value : undefined;
}

/** The same reading with its value transformed; an unseen reading stays unseen. A thrown error becomes `unparseable`. */
export function mapSeen<T, U>(seen: Seen<T>, transform: (value: T) => U): Seen<U> {
  if (!seen.ok) return seen;
  try {
    return { ok: true, value: transform(seen.value), from: seen.from, at: seen.at };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, why: 'unparseable', detail, from: seen.from, at: seen.at };
  }
}
