import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type BackupBench, backupBench } from '../live/backup-lab.js';
import { leftOn } from '../live/dead-fleet.js';
import { expectHeldEverywhere, takenUnderLoad } from '../live/restore-lab.js';

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
      await killedAt(bench, ['backup', 'restore', taken.id, ...everything], at);
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
async function killedAt(bench: BackupBench, args: readonly string[], words: string): Promise<void> {
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
