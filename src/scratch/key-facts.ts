import { createHash } from 'node:crypto';
import type { OwnServerLink } from '../hosts/redis-client.js';
import type { RawResp } from '../hosts/redis-link.js';

/** What one closed server says of one key. */
export interface KeyFacts {
  /** Redis' own type name; `none`: the key is not there, or its time is over. */
  readonly type: string;
  /** Unix time of its end, milliseconds; -1: it has none. */
  readonly expireAtMs: number;
  /** Of type and value, whatever the encoding. */
  readonly digest: string;
}

/** TYPE and expiry of all keys in one answer. A server before 7.0 has no PEXPIRETIME: what is left and the time of the same moment. */
const FACTS = `local r = {}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i, key in ipairs(KEYS) do
  r[#r + 1] = redis.call('TYPE', key).ok
  if ARGV[1] == '7' then r[#r + 1] = redis.call('PEXPIRETIME', key)
  else
    local left = redis.call('PTTL', key)
    r[#r + 1] = left < 0 and left or now + left
  end
end
return r`;
const NONE: KeyFacts = { type: 'none', expireAtMs: -1, digest: '' };

/** Asks a closed server for the facts of a batch of keys of the selected database, in their order. Rejects when it is lost. */
export async function factsOf(
  link: OwnServerLink,
  keys: readonly Uint8Array[],
  knowsExpireTime: boolean,
): Promise<readonly KeyFacts[]> {
  if (keys.length === 0) return [];
  const [seen, digests] = await Promise.all([
    link.call('EVAL', FACTS, String(keys.length), ...keys, knowsExpireTime ? '7' : '5'),
    link.call('DEBUG', 'DIGEST-VALUE', ...keys),
  ]);
  const [facts, values] = [listOf(seen), listOf(digests)];
  const found = keys.map((_, at): KeyFacts => {
    const type = textOf(facts[2 * at]);
    if (type === 'none') return NONE;
    const expireAtMs = Number(textOf(facts[2 * at + 1]));
    return { type, expireAtMs, digest: digestOfValue(textOf(values[at]), expireAtMs >= 0) };
  });
  return withGroups(link, keys, found);
}

/** The server's digest has a mark of every key that has an expiry, mixed in by XOR at the end (debug.c:xorObjectDigest): taken out again. */
function digestOfValue(digest: string, hasExpiry: boolean): string {
  return hasExpiry ? (BigInt(`0x${digest}`) ^ EXPIRE_MARK).toString(16).padStart(40, '0') : digest;
}

const EXPIRE_MARK = BigInt(`0x${createHash('sha1').update('!!expire!!').digest('hex')}`);

/** A stream's digest is of its entries alone: its consumer groups are asked for. */
function withGroups(
  link: OwnServerLink,
  keys: readonly Uint8Array[],
  found: readonly KeyFacts[],
): Promise<readonly KeyFacts[]> {
  return Promise.all(
    found.map(async (facts, at) => {
      if (facts.type !== 'stream') return facts;
      const full = await link.call('XINFO', 'STREAM', keys[at] ?? '', 'FULL', 'COUNT', '1');
      const info = withoutTimes(full);
      return { ...facts, digest: `${facts.digest}:${createHash('sha256').update(JSON.stringify(info)).digest('hex')}` };
    }),
  );
}

/** What depends on the moment or on the encoding is no part of a stream's value. */
function withoutTimes(answer: RawResp): unknown {
  const passing = new Set(['radix-tree-keys', 'radix-tree-nodes', 'seen-time', 'active-time', 'lag']);
  if (answer instanceof Uint8Array) return Buffer.from(answer).toString('base64');
  if (!Array.isArray(answer)) return answer;
  const kept = answer.filter((_, at) => {
    const name = answer[at % 2 === 0 ? at : at - 1];
    return !(name instanceof Uint8Array && passing.has(Buffer.from(name).toString('latin1')));
  });
  return kept.map(withoutTimes);
}

function listOf(answer: RawResp): readonly RawResp[] {
  if (Array.isArray(answer)) return answer;
  throw new Error(`the closed server said ${errorIn(answer)}`);
}

function errorIn(answer: RawResp): string {
  if (answer !== null && typeof answer === 'object' && 'error' in answer) return answer.error.slice(0, 200);
  return 'something else than a list';
}

/** The text of an answer; the empty one when it is none. */
function textOf(answer: RawResp | undefined): string {
  return answer instanceof Uint8Array ? Buffer.from(answer).toString('latin1') : '';
}

/** Walks all keys of a database in batches. A static dataset gives each key once: SCAN repeats keys only while its table grows or shrinks. */
export async function* scanKeys(link: OwnServerLink, database: number): AsyncGenerator<readonly Uint8Array[]> {
  await link.call('SELECT', String(database));
  let cursor = '0';
  do {
    const [next, keys] = listOf(await link.call('SCAN', cursor, 'COUNT', '1000'));
    cursor = textOf(next ?? null);
    const batch = listOf(keys ?? null).filter((key): key is Uint8Array => key instanceof Uint8Array);
    if (batch.length > 0) yield batch;
  } while (cursor !== '0');
}

/** Waits until the table of no database is being resized: only then every key is walked once. */
export async function untilTablesRest(
  link: OwnServerLink,
  databases: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const database of databases) {
    let tries = 0;
    while (/rehashing target/.test(textOf(await link.call('DEBUG', 'HTSTATS', String(database))))) {
      signal.throwIfAborted();
      tries += 1;
      if (tries > MOST_TRIES) return false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  return true;
}

const MOST_TRIES = 200;
const PAUSE_MS = 50;
