import { createHash } from 'node:crypto';
import type { Resp } from '../model/raw-host.js';
import type { LabHost } from './layout.js';
import { redisPort } from './layout.js';
import type { Prng } from './prng.js';
import { appendRecord, nextSeq, type WriteLine } from './record.js';
import { openResp, type RespClient } from './resp.js';
import type { LabState } from './state.js';
import { redisView } from './view.js';

/** How many writes, of which sizes, and how many of them wait for a replica. */
export interface WriteShape {
  readonly count: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  /** Share of the batches after which WAIT 1 is asked. */
  readonly waitShare: number;
  /** Share of writes that go to a few keys again and again: what a rewrite of the AOF throws away. */
  readonly hotShare: number;
  /** Each batch is one MULTI … EXEC. */
  readonly inTransaction?: true;
}

export const usualShape: WriteShape = { count: 40, lowBytes: 20, highBytes: 600, waitShare: 0.7, hotShare: 0.4 };

const BATCH = 20;
const HOT_KEYS = 12;
const WAIT_LIMIT_MS = 1000;

interface Drawn {
  readonly seq: number;
  readonly key: string;
  readonly value: string;
}

/**
 * Sends writes to the redis of `host`, in pipelined batches over one connection, and records each with its answer. A
 * connection that ends is a result: what was in flight is recorded as not acknowledged, and the writing stops.
 */
export async function writeTo(
  state: LabState,
  host: LabHost,
  shape: WriteShape,
  prng: Prng,
): Promise<readonly WriteLine[]> {
  const { replicas } = await redisView(state, host);
  const client = await openResp(host.address, redisPort, state.password);
  const lines: WriteLine[] = [];
  let seq = nextSeq(state.directory);
  try {
    while (lines.length < shape.count) {
      const size = Math.min(BATCH, shape.count - lines.length);
      const batch = Array.from({ length: size }, () => drawWrite(host, seq++, shape, prng));
      const wait = replicas > 0 && prng.chance(shape.waitShare);
      const written = await sendBatch(client, host, batch, { linked: replicas, wait, ...shape });
      appendRecord(state.directory, written);
      lines.push(...written);
      if (written.some((line) => !line.acknowledged)) break;
    }
  } finally {
    client.close();
  }
  return lines;
}

function drawWrite(host: LabHost, seq: number, shape: WriteShape, prng: Prng): Drawn {
  const hot = prng.chance(shape.hotShare);
  const key = hot ? `hot:${prng.between(1, HOT_KEYS)}` : `w:${host.name}:${seq}`;
  const bytes = prng.between(shape.lowBytes, shape.highBytes);
  let value = `${seq}:`;
  while (value.length < bytes) value += Math.floor(prng.fraction() * 0xffffffff).toString(36);
  return { seq, key, value: value.slice(0, Math.max(bytes, `${seq}:`.length)) };
}

async function sendBatch(
  client: RespClient,
  host: LabHost,
  batch: readonly Drawn[],
  { linked, wait, inTransaction }: { linked: number; wait: boolean; inTransaction?: true },
): Promise<readonly WriteLine[]> {
  const sentAt = Date.now();
  let answers: readonly Resp[] = [];
  let waited: number | undefined;
  try {
    const sets = batch.map((one) => ['SET', one.key, one.value]);
    answers = await (inTransaction ? transaction(client, sets) : client.pipeline(sets));
    if (wait) waited = Number(await client.ask('WAIT', '1', String(WAIT_LIMIT_MS)));
  } catch {
    // The connection ended: what has no answer stays unacknowledged below.
  }
  const ackedAt = Date.now();
  return batch.map((one, i) => ({
    type: 'write',
    seq: one.seq,
    node: host.name,
    key: one.key,
    sha256: sha256Of(one.value),
    bytes: Buffer.byteLength(one.value),
    acknowledged: answers[i] === 'OK',
    ...(waited === undefined ? {} : { waited }),
    linked,
    sentAt,
    ...(answers[i] === 'OK' ? { ackedAt } : {}),
  }));
}

/** The answers of the commands, once EXEC has carried all of them out. */
async function transaction(client: RespClient, commands: readonly (readonly string[])[]): Promise<readonly Resp[]> {
  const answer = (await client.pipeline([['MULTI'], ...commands, ['EXEC']])).at(-1);
  return Array.isArray(answer) ? answer : [];
}

/** sha256 of a text, lower-case hex. */
function sha256Of(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Every key of a redis with the sha256 of its value; a key that is no string gets `type:<its type>`. */
export async function heldKeys(state: LabState, host: LabHost): Promise<ReadonlyMap<string, string>> {
  const client = await openResp(host.address, redisPort, state.password);
  const held = new Map<string, string>();
  try {
    let cursor = '0';
    do {
      const page = await client.ask('SCAN', cursor, 'COUNT', '500');
      if (!Array.isArray(page)) throw new Error('SCAN gave no page');
      const keys = (page[1] as readonly Resp[]).map(String);
      const values = keys.length === 0 ? [] : await client.pipeline(keys.map((key) => ['GET', key]));
      keys.forEach((key, i) => {
        const value = values[i];
        if (value !== null) held.set(key, typeof value === 'string' ? sha256Of(value) : 'not a string');
      });
      cursor = String(page[0]);
    } while (cursor !== '0');
  } finally {
    client.close();
  }
  return held;
}
