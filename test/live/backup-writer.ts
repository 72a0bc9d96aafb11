import { openResp, type RespClient } from '../../src/lab/resp.js';

/** What the writer needs of a connection. */
type WriterClient = Pick<RespClient, 'pipeline' | 'close'>;

/** What a redis holds: key -> value and the moment of its end (milliseconds, -1 for none). */
export type Held = ReadonlyMap<string, { readonly value: string; readonly endsAt: number }>;

/** A client that never rests, and knows what the node must hold after each of its transactions. */
export interface SteadyWriter {
  /** Transactions that were acknowledged. */
  count(): number;
  /** What the node holds once transaction `n` and no later one was applied. */
  after(n: number): Held;
  /** The master's offset when transaction `n` began: everything before it was written, nothing of it. */
  offsetBefore(n: number): bigint | undefined;
  stop(): Promise<void>;
}

/** The key that tells which transaction was the last. */
export const MARK = 'mark';

interface Step {
  readonly writes: readonly (readonly string[])[];
  readonly offset: bigint;
}

const KEYS = 40;

/**
 * Writes transactions one after another on one connection, each with its number in the key `mark`: strings, lists,
 * deletions, times to live that are far away, and some that are over at once. Every key stands in database 0.
 */
export async function startWriter(address: string, port: number, password: string): Promise<SteadyWriter> {
  return writeSteadily(await openResp(address, port, password));
}

/** The same on a connection that is open; it is closed at the end. `isOld`: a server before 6.2, whose SET takes no moment of its end. */
export function writeSteadily(client: WriterClient, isOld = false): SteadyWriter {
  const steps: Step[] = [];
  let stopping = false;
  const running = (async () => {
    while (!stopping) {
      const n = steps.length + 1;
      const writes = drawn(n);
      const sent = isOld ? writes.flatMap(inTwo) : writes;
      const commands = [['MULTI'], ['INFO', 'replication'], ...sent, ['SET', MARK, String(n)], ['EXEC']];
      const answers = await client.pipeline(commands);
      const results = answers.at(-1);
      if (!Array.isArray(results)) throw new Error(`EXEC was answered with ${JSON.stringify(results)}`);
      const offset = /master_repl_offset:(\d+)/.exec(String(results[0]))?.[1];
      steps.push({ writes, offset: BigInt(offset ?? -1) });
    }
  })();
  running.catch(() => undefined);
  return {
    count: () => steps.length,
    after: (n) => replayed(steps.slice(0, n), n),
    offsetBefore: (n) => steps[n - 1]?.offset,
    stop: async () => {
      stopping = true;
      await running.finally(() => client.close());
    },
  };
}

const FAR = 4_102_444_800_000;

function drawn(n: number): readonly (readonly string[])[] {
  const key = `k:${(n * 7919) % KEYS}`;
  const value = `${n}:${'x'.repeat((n * 31) % 400)}`;
  if (n % 11 === 0) return [['DEL', key]];
  if (n % 7 === 0) return [['SET', key, value, 'PXAT', String(FAR + n)]];
  if (n % 5 === 0)
    return [
      ['SET', key, value],
      ['PEXPIREAT', key, String(FAR - n)],
    ];
  return [['SET', key, value]];
}

/** SET with PXAT as two commands. */
function inTwo(words: readonly string[]): readonly (readonly string[])[] {
  const [command = '', key = '', value = '', option, end = ''] = words;
  if (option !== 'PXAT') return [words];
  return [
    [command, key, value],
    ['PEXPIREAT', key, end],
  ];
}

function replayed(steps: readonly Step[], n: number): Held {
  const held = new Map<string, { value: string; endsAt: number }>();
  for (const { writes } of steps) {
    for (const [command, key = '', value = '', , end] of writes) {
      if (command === 'DEL') held.delete(key);
      if (command === 'SET') held.set(key, { value, endsAt: end === undefined ? -1 : Number(end) });
      if (command === 'PEXPIREAT') {
        const before = held.get(key);
        if (before) held.set(key, { ...before, endsAt: Number(value) });
      }
    }
  }
  if (n > 0) held.set(MARK, { value: String(n), endsAt: -1 });
  return held;
}

/** Every key of database 0 whose name the writer could have given. */
export async function heldBy(client: RespClient): Promise<Held> {
  const keys = await client.ask('KEYS', '*');
  if (!Array.isArray(keys)) throw new Error('KEYS gave no list');
  const held = new Map<string, { value: string; endsAt: number }>();
  for (const key of keys.map(String)) {
    if (key !== MARK && !key.startsWith('k:')) continue;
    const [value, endsAt] = await client.pipeline([
      ['GET', key],
      ['PEXPIRETIME', key],
    ]);
    held.set(key, { value: String(value), endsAt: Number(endsAt) });
  }
  return held;
}
