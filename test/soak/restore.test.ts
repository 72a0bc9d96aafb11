import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { prngOf } from '../../src/lab/prng.js';
import { type BackupBench, backupBench } from '../live/backup-lab.js';
import { type CutOff, journalNow, killedAt, type Moment, newestRun } from '../live/cut.js';
import { leftOn } from '../live/dead-fleet.js';
import { piped } from '../live/pipes.js';
import { expectHeldEverywhere, takenUnderLoad } from '../live/restore-lab.js';
import { type Before, expectAsBefore, type LiveFleet, liveFleet, seen } from '../live/undone.js';

const bin = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const everything = ['--set-aside', 'pv1,pv2,pv3', '--reason', 'a test', '--yes', '--plain'];

/** How many moments; the whole series has all of them. A sample takes another one for each seed. */
const each = Number(process.env.RUNBOOK_SOAK_EACH ?? '5');
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '100');
const moments = [
  ['while the group still serves', '1 SEND'],
  ['when everything is stopped', '5 REWRITE'],
  ['when the backup is in place', '6 CHECK'],
  ['when the master has just started', 'started as master'],
  ['between two replicas', 'started as replica'],
] as const;
const drawn = Array.from(
  { length: Math.min(each, moments.length) },
  (_, index) => moments[(firstSeed + index) % moments.length],
);

test.each(drawn.flatMap((moment) => (moment === undefined ? [] : [moment])))(
  'a restore that is killed %s is begun again',
  async (_, at) => {
    const bench = await backupBench({ seed: 47, persistence: 'both' });
    try {
      const taken = await takenUnderLoad(bench, 'rdb', 'replica');
      await killedWhenSaid(bench, ['backup', 'restore', taken.id, ...everything], at);
      await taken.writer.stop().catch(() => undefined);
      const again = await bench.backup(['restore', taken.id, ...everything]);
      expect(again.status, `${again.stdout}${again.stderr}`).toBe(0);
      await expectHeldEverywhere(bench, taken.expected);
      expect(leftOn(bench.lab)).toEqual([]);
    } finally {
      await bench.end();
    }
  },
);

/** The command as a process of its own, killed when it has said the words. */
async function killedWhenSaid(bench: BackupBench, args: readonly string[], words: string): Promise<void> {
  const argv = [bin, ...args, '--repository', bench.repository, '--fleet', bench.lab.fleetFile];
  const env = { ...process.env, ...bench.env, XDG_STATE_HOME: join(bench.lab.directory, 'operator') };
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes(words) && said.includes('4/4 DO IT')) child.kill('SIGKILL');
    });
  await ended;
  expect(child.signalCode, said).toBe('SIGKILL');
}

/** More lines than the journal of a restore of this fleet has; where it ends before, the restore was not cut off. */
const LINES = 190;
const cut = { points: 0, cutOff: 0 };
let live: LiveFleet;

beforeAll(async () => {
  live = await liveFleet(firstSeed, 'aof');
});
afterAll(() => {
  live.remove();
  console.log(`restores from seed ${firstSeed}: ${cut.cutOff} of ${cut.points} cut off`);
});

/** So many lines of the journal, and a moment behind each, as the seed draws them. */
function linesOf(series: number): readonly Moment[] {
  const prng = prngOf(firstSeed * 31 + series);
  return Array.from({ length: each }, () => ({ line: prng.between(1, LINES), laterMs: prng.between(0, 60) }));
}

interface Cut {
  readonly master: string;
  readonly taken: Before;
  readonly before: Before;
  readonly parts: ReadonlyMap<string, Buffer>;
  readonly ended: CutOff;
}

/** A backup, more writes, and a restore that is killed at that moment. */
async function cutRestore(lab: Lab, moment: Moment): Promise<Cut> {
  const repository = join(lab.directory, 'repository');
  const made = await piped(lab, ['backup', 'create', '--repository', repository]);
  expect(made.status, made.stderr).toBe(0);
  const [name = ''] = readdirSync(join(repository, 'lab', lab.group)).filter((one) => /^\d{8}T/.test(one));
  const taken = await seen(lab);
  await lab.write({ count: 60 });
  const before = await seen(lab);
  const master = (await lab.master()) ?? '';
  const parts = partsOf(lab, master);
  const args = ['backup', 'restore', name.slice(-4), ...everything, '--repository', repository];
  const ended = await killedAt(lab, args, moment);
  cut.points += 1;
  if (ended.killed) cut.cutOff += 1;
  return { master, taken, before, parts, ended };
}

/** The append-only files of a node, by name. */
function partsOf(lab: Lab, host: string): ReadonlyMap<string, Buffer> {
  const directory = join(lab.directory, host, 'data', 'appendonlydir');
  return new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]));
}

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function to(lab: Lab, command: 'resume' | 'undo', { ended }: Cut): Promise<string> {
  const output = await piped(lab, [command, newestRun(lab)?.run ?? '', '--yes']);
  const said = `${ended.stdout}${ended.stderr}\n---\n${output.stdout}${output.stderr}`;
  // On a busy machine the look after the end may not get its answers in time; what counts is seen below.
  expect([0, 1, 4], said).toContain(output.status);
  expect(journalNow(lab).lines.at(-1), said).toMatchObject({ action: 'run', phase: 'result', outcome: 'done' });
  return said;
}

describe('a restore that is killed at a drawn line of its journal', () => {
  test.each(linesOf(1))('line $line: resumed, every node holds exactly the backup', (moment) =>
    live.withCopy(async (lab) => {
      const one = await cutRestore(lab, moment);
      const said = one.ended.killed ? await to(lab, 'resume', one) : one.ended.stdout;
      const now = await seen(lab);
      const held = one.taken.data[one.master];
      expect(now.data, said).toEqual(Object.fromEntries(Object.keys(one.taken.data).map((node) => [node, held])));
      expect(now.roles[one.master], said).toBe('master');
      expect(now.running, said).toEqual(one.before.running);
      expect(leftOn(lab), said).toEqual([]);
    }),
  );

  test.each(linesOf(2))('line $line: undone, the data, the roles and the configs of before, byte by byte', (moment) =>
    live.withCopy(async (lab) => {
      const one = await cutRestore(lab, moment);
      const said = await to(lab, 'undo', one);
      await expectAsBefore(lab, one.before, said);
      // The node goes on with its own files: what they held is the beginning of what they hold.
      const now = partsOf(lab, one.master);
      for (const [name, bytes] of one.parts)
        expect(hashOf((now.get(name) ?? Buffer.alloc(0)).subarray(0, bytes.length)), `${name}\n${said}`).toBe(
          hashOf(bytes),
        );
    }),
  );
});
