import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { journalNow, killedAt, newestRun } from './cut.js';
import { type DeadFleet, deadFleet, leftOn } from './dead-fleet.js';
import { piped } from './pipes.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 41);
});
afterAll(() => dead.remove());

/** The same end state as a run that nobody cut off, by the lab's own look. */
async function expectRecovered(lab: Lab): Promise<void> {
  expect(await lab.master()).toBe(dead.lastWriter);
  const checked = await lab.checkWrites();
  expect({ missing: checked.missing, extra: checked.extra }).toEqual({ missing: [], extra: [] });
  expect(leftOn(lab)).toEqual([]);
  expect(lab.running().filter((one) => !one.child).length).toBe(8);
}

describe.concurrent('a run whose process group is killed', () => {
  test.each([75, 140])('at line %i of its journal is gone on with to the same end', (line) =>
    dead.withCopy(async (lab) => {
      const cut = await killedAt(lab, ['recover', '--yes'], { line });
      expect(cut.killed, cut.stdout + cut.stderr).toBe(true);
      const run = newestRun(lab)?.run ?? '';

      const resumed = await piped(lab, ['resume', '--yes']);

      expect(resumed.status, resumed.stdout + resumed.stderr).toBe(0);
      expect(newestRun(lab)?.run).toBe(run);
      expect(resumed.stdout).toContain(`made again from recover-cold 1.0 and the survey`);
      await expectRecovered(lab);
      const journal = journalNow(lab);
      expect([journal.brokenAt, journal.torn]).toEqual([undefined, undefined]);
      expect(journal.lines.at(-1)).toMatchObject({ action: 'run', phase: 'result', outcome: 'done' });
    }),
  );
});
