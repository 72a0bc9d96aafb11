import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort } from '../../src/lab/layout.js';
import { appendRecord, readRecord, type WriteLine } from '../../src/lab/record.js';
import { openResp } from '../../src/lab/resp.js';

/** A client that writes to one node of a lab without rest, over one connection that it never opens again. */
export interface LabWriter {
  readonly acknowledged: () => number;
  /** The longest time between two answers, milliseconds. */
  readonly longestWaitMs: () => number;
  /** Why it came to an end by itself; undefined while it writes. */
  readonly brokenBy: () => string | undefined;
  /** Ends it and puts every write into the lab's record. */
  stop(): Promise<void>;
}

/** Batches of five, one after another, twenty milliseconds apart. Nothing else may write to the lab's record meanwhile. */
export async function startLabWriter(lab: Lab, name: string): Promise<LabWriter> {
  const host = lab.hosts.find((each) => each.name === name);
  if (!host) throw new Error(`no ${name}`);
  const client = await openResp(host.address, redisPort, lab.password);
  const lines: WriteLine[] = [];
  let seq = readRecord(lab.directory).reduce(
    (last, line) => (line.type === 'write' ? Math.max(last, line.seq) : last),
    0,
  );
  let stopping = false;
  let longest = 0;
  let broken: string | undefined;
  const running = (async () => {
    while (!stopping) {
      const sentAt = Date.now();
      const writes = Array.from({ length: 5 }, () => {
        seq += 1;
        return { seq, key: `steady:${seq % 50}`, value: `${seq}:${'x'.repeat(seq % 300)}` };
      });
      let answers: readonly unknown[] = [];
      try {
        answers = await client.pipeline(
          writes.map(({ key, value }) => ['SET', key, value]),
          60_000,
        );
      } catch (error) {
        broken = error instanceof Error ? error.message : String(error);
      }
      const ackedAt = Date.now();
      longest = Math.max(longest, ackedAt - sentAt);
      const refused = answers.find((answer) => answer !== 'OK');
      if (refused !== undefined) broken ??= JSON.stringify(refused);
      lines.push(...writes.map((write, index) => lineOf(name, write, answers[index] === 'OK', sentAt, ackedAt)));
      if (broken !== undefined) return;
      await sleep(20);
    }
  })();
  return {
    acknowledged: () => lines.filter((line) => line.acknowledged).length,
    longestWaitMs: () => longest,
    brokenBy: () => broken,
    stop: async () => {
      stopping = true;
      await running.finally(() => client.close());
      appendRecord(lab.directory, lines);
    },
  };
}

function lineOf(
  node: string,
  { seq, key, value }: { readonly seq: number; readonly key: string; readonly value: string },
  acknowledged: boolean,
  sentAt: number,
  ackedAt: number,
): WriteLine {
  const sha256 = createHash('sha256').update(value).digest('hex');
  const at = acknowledged ? { ackedAt } : {};
  return { type: 'write', seq, node, key, sha256, bytes: value.length, acknowledged, linked: 0, sentAt, ...at };
}
