import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashOfLine } from '../../src/execute/journal.js';
import { fromJson, toJson } from '../../src/model/json.js';
import type { JournalLine } from '../../src/model/run.js';
import { killedAt, newestRun } from '../live/cut.js';
import { type DeadFleet, deadFleet, leftOn } from '../live/dead-fleet.js';
import { piped } from '../live/pipes.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 47);
});
afterAll(() => dead.remove());

/** The same chain with one word changed, hashed anew from there on, as one who has root on a host would do it. */
function forged(text: string): string {
  let prev = '0'.repeat(64);
  const rows = text
    .trimEnd()
    .split('\n')
    .map((row, index) => {
      const line = { ...(fromJson(row) as JournalLine), prev };
      const changed = toJson(index === 6 ? { ...line, text: 'nothing to see here' } : line);
      prev = hashOfLine(changed);
      return changed;
    });
  return `${rows.join('\n')}\n`;
}

describe.concurrent('a run that another machine began', () => {
  test('is gone on with from the copies on the hosts alone', () =>
    dead.withCopy(async (lab) => {
      const cut = await killedAt(lab, ['recover', '--yes'], { line: 150 });
      expect(cut.killed, cut.stdout).toBe(true);
      const run = newestRun(lab)?.run ?? '';
      const elsewhere = { XDG_STATE_HOME: join(lab.directory, 'another-operator') };

      const resumed = await piped(lab, ['resume', '--yes'], 'null', elsewhere);

      expect(resumed.status, resumed.stdout + resumed.stderr).toBe(0);
      expect(resumed.stdout).toMatch(new RegExp(`^Run ${run} of`));
      expect(await lab.master()).toBe(dead.lastWriter);
      expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
      expect(leftOn(lab)).toEqual([]);
      const here = await piped(lab, ['resume', run, '--yes']);
      expect([here.status, here.stdout], here.stderr).toEqual([0, expect.stringContaining('came to its end')]);
    }));

  test('is refused where a copy was changed, with host and line; nothing is done', () =>
    dead.withCopy(async (lab) => {
      const cut = await killedAt(lab, ['recover', '--yes'], { line: 110 });
      expect(cut.killed, cut.stdout).toBe(true);
      const run = newestRun(lab)?.run ?? '';
      const elsewhere = { XDG_STATE_HOME: join(lab.directory, 'another-operator') };
      const copy = join(lab.directory, 'pv3', 'state', run, 'journal.jsonl');
      const text = readFileSync(copy, 'utf8');
      writeFileSync(copy, forged(text));
      for (const more of [{}, elsewhere]) {
        const refused = await piped(lab, ['resume', run, '--yes'], 'null', more);
        expect(refused.status, refused.stdout).toBe(3);
        expect(refused.stderr).toContain('pv3: its journal differs from the others at line 7');
      }
      writeFileSync(copy, text);
      const plan = join(lab.directory, 'pv2', 'state', run, 'plan.json');
      writeFileSync(
        plan,
        readFileSync(plan, 'utf8').replace('"alsoHere": true', '"alsoHere": false').replace('pv1', 'pv3'),
      );
      const refused = await piped(lab, ['undo', '--yes'], 'null', elsewhere);
      expect(refused.status, refused.stdout).toBe(3);
      expect(refused.stderr).toContain('pv2: its plan.json is not the one that the other copies have');
      expect(lab.running()).toEqual([]);
    }));
});
