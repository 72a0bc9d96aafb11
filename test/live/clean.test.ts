import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { journalNow, killedAt, newestRun } from './cut.js';
import { type DeadFleet, deadFleet, filesOf, leftOn } from './dead-fleet.js';
import { piped } from './pipes.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 5);
}, 60_000);
afterAll(() => dead.remove());

/** Everything on the lab's hosts that carries the name of the run. */
function ofRun(lab: Lab, run: string): readonly string[] {
  return lab.hosts.flatMap((host) =>
    readdirSync(host.directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes(run))
      .map((name) => join(host.directory, name)),
  );
}

/** A list beside the data that names what is not the run's: whoever may write there must not aim the removal. */
function forge(list: string, lab: Lab): void {
  const config = join(lab.hosts[0]?.directory ?? '', 'redis.conf');
  const names = [config, `${dirname(list)}/../../../redis.conf`].map((kept) => ({
    original: config,
    kept,
    how: 'copy',
  }));
  writeFileSync(list, JSON.stringify([...JSON.parse(readFileSync(list, 'utf8')), ...names]));
}

/** What no server moves by itself. */
function configsOf(lab: Lab) {
  return Object.entries(filesOf(lab)).filter(([path]) => /\/redis\.conf$/.test(path));
}

test('what a run kept is shown, refused while the run is unfinished, and removed by its own names alone, at any interruption', () =>
  dead.withCopy(async (lab) => {
    const cut = await killedAt(lab, ['recover', '--yes'], { line: 130 });
    expect(cut.killed, cut.stdout).toBe(true);
    const run = newestRun(lab)?.run ?? '';
    const early = await piped(lab, ['clean', run, '--apply']);
    expect([early.status, early.stderr], early.stdout).toEqual([3, expect.stringContaining('[clean-refused]')]);
    expect(early.stderr).toMatch(new RegExp(`redis-runbook resume --fleet \\S+ ${run}`));
    const resumed = await piped(lab, ['resume', '--yes']);
    expect(resumed.status, resumed.stdout + resumed.stderr).toBe(0);

    const kept = ofRun(lab, run);
    const [foreign = ''] = kept
      .filter((path) => path.endsWith('kept.json'))
      .map((path) => join(dirname(path), 'mine.txt'));
    writeFileSync(foreign, 'not of the run');
    forge(join(dirname(foreign), 'kept.json'), lab);
    const configs = configsOf(lab);
    const shown = await piped(lab, ['clean', '--json']);
    expect(shown.status, shown.stderr).toBe(0);
    const [view] = JSON.parse(shown.stdout).runs;
    const listed = view.hosts.flatMap(({ files }: { files: { path: string }[] }) => files.map(({ path }) => path));
    expect(listed).toEqual(
      expect.arrayContaining(kept.filter((path) => /kept\.json$|\.rdb$|\.aof$|journal\.jsonl$|%2F/.test(path))),
    );
    expect([...ofRun(lab, run)].sort()).toEqual([...kept, foreign].sort());

    const lines = journalNow(lab).lines.length;
    const killed = await killedAt(lab, ['clean', run, '--apply'], { from: lines, line: 1 });
    expect(killed.killed, killed.stdout + killed.stderr).toBe(true);
    const cleaned = await piped(lab, ['clean', run, '--apply']);
    expect([cleaned.status, cleaned.stderr], cleaned.stdout).toEqual([0, '']);
    expect(cleaned.stdout).toMatch(/mine\.txt\s+is not in the record of the run and stays/);
    expect(ofRun(lab, run)).toEqual([dirname(dirname(foreign)), dirname(foreign), foreign]);
    expect(existsSync(foreign)).toBe(true);
    expect(configsOf(lab)).toEqual(configs);
    expect(leftOn(lab)).toEqual([]);
    expect(await lab.master()).toBe(dead.lastWriter);
    expect((await lab.checkWrites({ notExpected: [] })).missing).toEqual([]);

    const undone = await piped(lab, ['undo', run, '--yes']);
    expect([undone.status, undone.stderr]).toEqual([3, expect.stringContaining('what it kept was removed by clean')]);
    const followed = await piped(lab, ['history', 'show', run, '--follow']);
    expect(followed.status, followed.stdout.slice(-300)).toBe(0);
  }));
