import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asItShouldBe, type Killed, killOnce } from '../live/backup-kill.js';
import { type BackupBench, backupBench } from '../live/backup-lab.js';
import { overSsh, sshdOnEach } from '../live/backup-over-ssh.js';
import { type OwnSshd, OwnSshds } from '../live/own-sshd.js';

/** How many kills of each kind; the whole series is fifty. A sample of one would leave kinds of kills out. */
const each = Number(process.env.RUNBOOK_SOAK_BACKUPS ?? process.env.RUNBOOK_SOAK_EACH ?? '50');
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '1000');
const seeds = Array.from({ length: each }, (_, index) => firstSeed + index);
const sides = ['operator', 'host', 'connection'] as const;
const all = new Map<(typeof sides)[number], Killed[]>(sides.map((side) => [side, []]));
const sshds = new OwnSshds();
let bench: BackupBench;
let remote: BackupBench;
let servers: ReadonlyMap<string, OwnSshd>;

beforeAll(async () => {
  bench = await backupBench({ seed: firstSeed, persistence: 'both' });
  await bench.lab.write({ count: 600, lowBytes: 800, highBytes: 1600, hotShare: 0.1 });
  servers = await sshdOnEach(bench, sshds);
  remote = await overSsh(bench, sshds, 'ssh');
});
afterAll(async () => {
  await bench.end();
  await sshds.end();
  for (const side of sides) console.log(countOf(side));
});

/** How many kills fell inside a backup, and what became of those. */
function countOf(side: (typeof sides)[number]): string {
  const killed = all.get(side) ?? [];
  const inside = killed.filter(({ isInside }) => isInside);
  const ended = inside.filter(({ status }) => status !== 0).length;
  const resumed = inside.filter(({ nextSaid }) => nextSaid.includes('going on with')).length;
  const became = `${ended} ended it, ${inside.length - ended} it survived, ${resumed} were gone on with`;
  return `${side}: ${killed.length} kills from seed ${firstSeed}, ${inside.length} inside a backup: ${became}`;
}

describe.each(['operator', 'host'] as const)('killed on the side of the %s', (side) => {
  test.each(seeds)('seed %i', async (seed) => {
    const killed = await killOnce(bench, side, seed);
    all.get(side)?.push(killed);
    expect(killed, `${killed.said}\n${killed.nextSaid}`).toMatchObject(asItShouldBe);
  });
});

describe('killed between the two: sessions, what runs in them, the child that saves', () => {
  test.each(seeds)('seed %i', async (seed) => {
    const killed = await killOnce(remote, 'connection', seed, servers);
    all.get('connection')?.push(killed);
    expect(killed, `${killed.said}\n${killed.nextSaid}`).toMatchObject(asItShouldBe);
  });
});
