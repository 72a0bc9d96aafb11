import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { journalNow, killedAt, newestRun } from './cut.js';
import { piped } from './pipes.js';
import { expectAsBefore, type LiveFleet, liveFleet, seen } from './undone.js';

let live: LiveFleet;

beforeAll(async () => {
  live = await liveFleet(43);
});
afterAll(() => live.remove());

const cold = ['recover', '--path', 'cold', '--yes'];

describe.concurrent('a run that is taken back', () => {
  test.each([60, 120])('killed at line %i: configs, roles, units and every write are as before', (line) =>
    live.withCopy(async (lab) => {
      const before = await seen(lab);
      const cut = await killedAt(lab, cold, { line });
      expect(cut.killed, cut.stdout + cut.stderr).toBe(true);

      const undone = await piped(lab, ['undo', '--yes']);

      expect(undone.status, undone.stdout + undone.stderr).toBe(0);
      await expectAsBefore(lab, before, undone.stdout);
      const again = await piped(lab, ['undo', newestRun(lab)?.run ?? '', '--yes']);
      expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('was undone before')]);
      const status = await piped(lab, ['status']);
      expect(status.stdout).not.toContain('is unfinished');
    }),
  );

  test('is refused once the master that it started has accepted a write', () =>
    live.withCopy(async (lab) => {
      const cut = await killedAt(lab, [...cold, '--json'], { line: 150 });
      expect(cut.killed, cut.stdout).toBe(true);
      await lab.write({ count: 5 });
      const lines = journalNow(lab).lines.length;

      const refused = await piped(lab, ['undo', '--yes']);

      expect(refused.status, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stderr).toMatch(/has accepted \d+ writes since this run started it/);
      expect(journalNow(lab).lines.length).toBe(lines);
      expect((await piped(lab, ['resume', '--yes'])).status).toBe(0);
      expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
    }));
});
