import { createHash } from 'node:crypto';
import { judgeWrites, type NotExpected, type WritesChecked } from '../../src/lab/judge.js';
import type { Prng } from '../../src/lab/prng.js';
import { appendRecord, readRecord, type WriteLine } from '../../src/lab/record.js';
import type { WriteShape } from '../../src/lab/writer.js';
import type { Resp } from '../../src/model/raw-host.js';
import { type NodeClient, openNode } from './client.js';
import type { Fleet, Machine } from './fleet.js';
import { redisView } from './view.js';

const BATCH = 20;
const HOT_KEYS = 12;
const WAIT_LIMIT_MS = 1000;

interface Drawn {
  readonly seq: number;
  readonly key: string;
  readonly value: string;
}

/**
 * Sends writes to a redis from the operator's namespace, in pipelined batches, and records each with its answer. A
 * connection that ends is a result: what was in flight counts as not acknowledged, and the writing stops.
 */
export async function writeTo(
  fleet: Fleet,
  machine: Machine,
  shape: WriteShape,
  prng: Prng,
): Promise<readonly WriteLine[]> {
  const { replicas } = await redisView(fleet, machine);
  const client = await openNode(fleet, machine, 'redis');
  const lines: WriteLine[] = [];
  let seq = nextSeq(fleet);
  try {
    while (lines.length < shape.count) {
      const size = Math.min(BATCH, shape.count - lines.length);
      const batch = Array.from({ length: size }, () => drawWrite(machine, seq++, shape, prng));
      const wait = replicas > 0 && prng.chance(shape.waitShare);
      const written = await sendBatch(client, machine, batch, replicas, wait);
      appendRecord(fleet.directory, written);
      lines.push(...written);
      if (written.some((line) => !line.acknowledged)) break;
    }
  } finally {
    client.close();
  }
  return lines;
}

/** Compares what a machine's redis holds with the record of writes. */
export async function checkWrites(
  fleet: Fleet,
  machine: Machine,
  notExpected: readonly NotExpected[],
): Promise<WritesChecked> {
  return judgeWrites(readRecord(fleet.directory), await heldKeys(fleet, machine), notExpected);
}

/** Every key of a redis with the sha256 of its value, lower-case hex. */
async function heldKeys(fleet: Fleet, machine: Machine): Promise<ReadonlyMap<string, string>> {
  const client = await openNode(fleet, machine, 'redis');
  const held = new Map<string, string>();
  try {
    let cursor = '0';
    do {
      const page = await client.ask('SCAN', cursor, 'COUNT', '500');
      if (!Array.isArray(page)) throw new Error('SCAN gave no page');
      const keys = (page[1] as readonly Resp[]).map(String);
      const values = await client.pipeline(keys.map((key) => ['GET', key]));
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

async function sendBatch(
  client: NodeClient,
  machine: Machine,
  batch: readonly Drawn[],
  linked: number,
  wait: boolean,
): Promise<readonly WriteLine[]> {
  const sentAt = Date.now();
  let answers: readonly Resp[] = [];
  let waited: number | undefined;
  try {
    answers = await client.pipeline(batch.map((one) => ['SET', one.key, one.value]));
    if (wait) waited = Number(await client.ask('WAIT', '1', String(WAIT_LIMIT_MS)));
  } catch {
    // The connection ended: what has no answer stays unacknowledged below.
  }
  const ackedAt = Date.now();
  return batch.map((one, i) => ({
    type: 'write',
    seq: one.seq,
    node: machine.name,
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

function drawWrite(machine: Machine, seq: number, shape: WriteShape, prng: Prng): Drawn {
  const key = prng.chance(shape.hotShare) ? `hot:${prng.between(1, HOT_KEYS)}` : `w:${machine.name}:${seq}`;
  const bytes = prng.between(shape.lowBytes, shape.highBytes);
  let value = `${seq}:`;
  while (value.length < bytes) value += Math.floor(prng.fraction() * 0xffffffff).toString(36);
  return { seq, key, value };
}

function nextSeq(fleet: Fleet): number {
  return (
    readRecord(fleet.directory).reduce((last, line) => (line.type === 'write' ? Math.max(last, line.seq) : last), 0) + 1
  );
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
