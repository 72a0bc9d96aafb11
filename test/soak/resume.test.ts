import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from '../../src/lab/lab.js';
import { type Prng, prngOf } from '../../src/lab/prng.js';
import { journalNow, killedAt, type Moment, newestRun } from '../live/cut.js';
import { type DeadFleet, deadFleet, expectHealthy, filesOf, leftOn } from '../live/dead-fleet.js';
import { type Ended, piped } from '../live/pipes.js';
import { expectAsBefore, type LiveFleet, liveFleet, seen } from '../live/undone.js';

/** Points of each series; left out: every line of the journal, and as many moments between lines. */
const each = process.env.RUNBOOK_SOAK_EACH === undefined ? undefined : Number(process.env.RUNBOOK_SOAK_EACH);
const seed = Number(process.env.RUNBOOK_SOAK_SEED ?? '7');
/** More lines than a run of these fleets has; where a journal ends before, the run was not cut off. */
const LINES = 190;

const sum = { points: 0, cutOff: 0, resumed: 0, undone: 0, secondCuts: 0, lost: 0 };
let dead: DeadFleet;
let live: LiveFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', seed);
  live = await liveFleet(seed);
});
afterAll(() => {
  dead.remove();
  live.remove();
  console.log(
    `seed ${seed}: points ${sum.points}, cut off ${sum.cutOff} (the way on or back as well ${sum.secondCuts}), ` +
      `resumed ${sum.resumed}, undone ${sum.undone}, lost ${sum.lost}`,
  );
});

/** The moments of one series: every line and a moment behind every line, or so many of them. */
function momentsOf(series: number): readonly (Moment & { readonly name: string })[] {
  const prng = prngOf(seed * 31 + series);
  const all = Array.from({ length: LINES }, (_, index) => index + 1).flatMap((line) => [
    { line, name: `line ${line}` },
    { line, laterMs: prng.between(0, 60), name: `line ${line} and a moment` },
  ]);
  if (each === undefined) return all;
  return Array.from({ length: each }, () => prng.pick(all));
}

/** Takes the run on, or back; one time in three that is killed as well, and gone on with. */
async function through(lab: Lab, command: 'resume' | 'undo', prng: Prng): Promise<string> {
  const run = newestRun(lab)?.run ?? '';
  if (prng.chance(1 / 3)) {
    const from = journalNow(lab).lines.length;
    const cut = await killedAt(lab, [command, run, '--yes'], { line: prng.between(1, 60), from });
    if (!cut.killed) return ended(lab, cut, '');
    sum.secondCuts += 1;
    return toItsEnd(lab, 'resume', run, cut.stdout);
  }
  return toItsEnd(lab, command, run, '');
}

async function toItsEnd(lab: Lab, command: 'resume' | 'undo', run: string, before: string): Promise<string> {
  return ended(lab, await piped(lab, [command, run, '--yes']), before);
}

/** On a busy machine the look after the end may not get its answers in time: that is status 1 or 4, and what counts is seen below. */
function ended(lab: Lab, on: Ended, before: string): string {
  const said = `${before}\n---\n${on.stdout}${on.stderr}`;
  expect([0, 1, 4], said).toContain(on.status);
  expect(journalNow(lab).lines.at(-1), said).toMatchObject({ action: 'run', phase: 'result', outcome: 'done' });
  return said;
}

/**
 * A new recovery of a fleet whose run was undone. Once the run had started a replica, its master's new history is joined to
 * the old one by nothing on a disk; then it is refused at first, and names what it asks for.
 */
async function recoverAnew(lab: Lab): Promise<Ended> {
  const first = await piped(lab, ['recover', '--yes']);
  if (first.status !== 3) return first;
  const others = ['pv1', 'pv2', 'pv3'].filter((node) => node !== dead.lastWriter).join(',');
  return piped(lab, [
    'recover',
    '--yes',
    ...['--promote', dead.lastWriter, '--set-aside', others, '--reason', 'a run was undone'],
  ]);
}

async function expectServes(lab: Lab, why: string): Promise<void> {
  const checked = await lab.checkWrites();
  sum.lost += checked.missing.length;
  expect({ missing: checked.missing, extra: checked.extra }, why).toEqual({ missing: [], extra: [] });
  expect(leftOn(lab), why).toEqual([]);
  await expectHealthy(lab, why);
}

describe('a dead fleet, its recovery killed', () => {
  test.concurrent.each(momentsOf(1))('at $name, is resumed to the same healthy end', (moment) =>
    dead.withCopy(async (lab) => {
      sum.points += 1;
      const cut = await killedAt(lab, ['recover', '--yes'], moment);
      let said = cut.stdout + cut.stderr;
      if (cut.killed) {
        sum.cutOff += 1;
        said += await through(lab, 'resume', prngOf(seed + moment.line));
        sum.resumed += 1;
      }
      expect(await lab.master(), said).toBe(dead.lastWriter);
      await expectServes(lab, cut.stdout);
      expect(lab.running().filter((one) => !one.child).length).toBe(8);
    }),
  );

  test.concurrent.each(momentsOf(2).filter((_, index) => each !== undefined || index % 4 === 0))(
    'at $name, is undone, and then recovered whole',
    (moment) =>
      dead.withCopy(async (lab) => {
        sum.points += 1;
        const before = await seen(lab);
        const files = filesOf(lab);
        const cut = await killedAt(lab, ['recover', '--yes'], moment);
        if (!cut.killed) return;
        sum.cutOff += 1;
        const begun = journalNow(lab).lines.some((line) => line.action.startsWith('start/'));
        const said = await through(lab, 'undo', prngOf(seed + moment.line));
        sum.undone += 1;
        await expectAsBefore(openLab(lab.directory), before, said);
        // Until a node was started every data file has the very bytes that it had.
        if (!begun) expect(dataOf(filesOf(lab))).toEqual(dataOf(files));
        const anew = await recoverAnew(lab);
        expect([0, 1, 4], anew.stdout + anew.stderr).toContain(anew.status);
        expect(await lab.master()).toBe(dead.lastWriter);
        await expectServes(lab, said);
      }),
  );
});

describe('a fleet that serves, its cold recovery killed', () => {
  test.concurrent.each(momentsOf(3))('at $name, is undone: as before, with every write', (moment) =>
    live.withCopy(async (lab) => {
      sum.points += 1;
      const before = await seen(lab);
      const cut = await killedAt(lab, ['recover', '--path', 'cold', '--yes'], moment);
      if (!cut.killed) return;
      sum.cutOff += 1;
      const said = await through(lab, 'undo', prngOf(seed + moment.line));
      sum.undone += 1;
      await expectAsBefore(lab, before, said);
      await expectServes(lab, said);
    }),
  );

  test.concurrent.each(momentsOf(4).filter((_, index) => each !== undefined || index % 4 === 0))(
    'at $name, is resumed to the same healthy end',
    (moment) =>
      live.withCopy(async (lab) => {
        sum.points += 1;
        const cut = await killedAt(lab, ['recover', '--path', 'cold', '--yes'], moment);
        if (!cut.killed) return;
        sum.cutOff += 1;
        const said = await through(lab, 'resume', prngOf(seed + moment.line));
        sum.resumed += 1;
        await expectServes(lab, said);
      }),
  );
});

function dataOf(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(files).filter(([path]) => path.includes('/data/') && !path.includes('.redis-runbook')),
  );
}
