import type { Duplex } from 'node:stream';
import type { Resp } from '../model/raw-host.js';
import type { WhyNot } from '../model/seen.js';
import { afterAwake } from './awake.js';
import { reasonOf } from './reading.js';

const DEEPEST_ANSWER = 8;

/** What a link needs of a Redis client: redis-client.ts, the only place that knows one, makes it. */
export interface Client {
  connect(): Promise<unknown>;
  disconnect(): void;
  call(command: string, args: (string | Buffer)[]): Promise<unknown>;
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** A decoded answer in our shape: integers as text, errors as `{error}`. Throws RangeError when it is nested too deep. */
export function toResp(value: unknown, depth = 0): Resp {
  if (depth > DEEPEST_ANSWER) throw new RangeError(`an answer nested deeper than ${DEEPEST_ANSWER}`);
  if (value === null || value === undefined) return null;
  if (value instanceof Error) return { error: value.message };
  if (Array.isArray(value)) return value.map((item) => toResp(item, depth + 1));
  return String(value);
}

/** An answer as bytes: text and integers as they came, errors as `{error}`. */
export type RawResp = Uint8Array | null | { readonly error: string } | readonly RawResp[];

function toRaw(value: unknown, depth = 0): RawResp {
  if (depth > DEEPEST_ANSWER) throw new RangeError(`an answer nested deeper than ${DEEPEST_ANSWER}`);
  if (value === null || value === undefined) return null;
  if (value instanceof Error) return { error: value.message };
  if (Array.isArray(value)) return value.map((item) => toRaw(item, depth + 1));
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}

/** What became of one command. `sent: false` = the link had ended before: the server never saw it. */
export type Reply<Answer = Resp> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'lost'; readonly why: WhyNot; readonly detail: string; readonly sent: boolean };

/** One connection that ends for good at the first trouble. */
export interface Link {
  send(words: readonly (string | Uint8Array)[]): Promise<Reply>;
  /** As `send`, with the answer's bytes as they came. */
  sendRaw(words: readonly (string | Uint8Array)[]): Promise<Reply<RawResp>>;
  /** Ends the link; what is in flight becomes `lost` with this reason. Nothing of it keeps the process alive. */
  end(why: WhyNot, detail: string): void;
}

export interface LinkLimits {
  /** Time for one answer; over it the whole link ends, so that a hung server costs the limit once. */
  readonly timeoutMs: number;
  /** Bytes of one answer. */
  readonly limitBytes: number;
}

interface State {
  readonly redis: Client;
  readonly stream: Duplex;
  readonly limits: LinkLimits;
  received: number;
  ended?: { readonly why: WhyNot; readonly detail: string };
}

function endLink(state: State, why: WhyNot, detail: string): void {
  state.ended ??= { why, detail };
  state.redis.disconnect();
  state.stream.destroy();
}

function isServersAnswer(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

function lost(state: State, error: unknown): Reply<never> {
  if (error instanceof RangeError) endLink(state, 'too-large', error.message);
  else if (!state.ended) endLink(state, 'refused', `the connection was lost: ${reasonOf(error)}`);
  return { kind: 'lost', why: 'refused', detail: reasonOf(error), ...state.ended, sent: true };
}

function tooLarge({ ended }: State): Reply<never> | undefined {
  return ended?.why === 'too-large' ? { kind: 'lost', ...ended, sent: true } : undefined;
}

type Ask = (command: string, args: (string | Buffer)[]) => Promise<unknown>;

async function sendOver<Answer>(
  state: State,
  words: readonly (string | Uint8Array)[],
  ask: Ask,
  read: (value: unknown) => Answer,
): Promise<Reply<Answer | { readonly error: string }>> {
  if (state.ended) return { kind: 'lost', ...state.ended, sent: false };
  const [command = '', ...args] = words.map((word) => (typeof word === 'string' ? word : Buffer.from(word)));
  const { timeoutMs } = state.limits;
  const answered = afterAwake(timeoutMs, () => endLink(state, 'timeout', `no answer in ${timeoutMs} ms`));
  try {
    const answer = await ask(String(command), args);
    // An answer over the limit may have come whole, before the link could end.
    return tooLarge(state) ?? { kind: 'answer', answer: read(answer) };
  } catch (error) {
    if (isServersAnswer(error)) return { kind: 'answer', answer: { error: error.message } };
    return lost(state, error);
  } finally {
    state.received = 0;
    answered();
  }
}

/** Makes a link of a stream that is connected. Rejects when the stream ends before it is in use. */
export async function linkOver(redis: Client, stream: Duplex, limits: LinkLimits): Promise<Link> {
  const state: State = { redis, stream, limits, received: 0 };
  let last: unknown;
  redis.on('error', (error: unknown) => {
    last = error;
  });
  // sshd passes on that a server is gone as the end of its half alone: the stream itself stays open (RFC 4254, 5.3).
  for (const event of ['end', 'close'] as const) {
    stream.once(event, () => endLink(state, 'refused', `the connection was lost${last ? `: ${reasonOf(last)}` : ''}`));
  }
  try {
    await redis.connect();
  } catch (error) {
    endLink(state, 'refused', reasonOf(last ?? error));
    throw last ?? error;
  }
  stream.on('data', (chunk: Uint8Array) => {
    state.received += chunk.length;
    if (state.received > limits.limitBytes) endLink(state, 'too-large', `an answer over ${limits.limitBytes} bytes`);
  });
  const text: Ask = (command, args) => redis.call(command, args);
  const bytes: Ask = (command, args) => redis.callBuffer(command, args);
  return {
    send: (words) => sendOver(state, words, text, toResp),
    sendRaw: (words) => sendOver(state, words, bytes, toRaw),
    end: (why, detail) => endLink(state, why, detail),
  };
}
