import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseJournal } from '../../src/execute/journal.js';
import type { Lab } from '../../src/lab/lab.js';
import { type DeadFleet, deadFleet, filesOf, leftOn } from './dead-fleet.js';
import { runbook } from './recovery.js';
import { inTerminal, type Terminal } from './terminal.js';

let clean: DeadFleet;
let lossy: DeadFleet;

beforeAll(async () => {
  [clean, lossy] = await Promise.all([deadFleet('cascade-clean', 11), deadFleet('cascade-crash-rdb', 12)]);
});
afterAll(() => {
  clean.remove();
  lossy.remove();
});

const gate1 = 'Stages 1 HOLD, 2 KEEP on pv1, pv2, pv3, pvha1 and pvha2?';
const gate2 = 'Stages 3 STOP, 4 REWRITE, 5 CHECK on pv1, pv2, pv3, pvha1 and pvha2?';
const gate3 = 'Stages 6 START, 7 PROVE on';

async function seesAll(terminal: Terminal, texts: readonly string[]): Promise<void> {
  for (const text of texts) await terminal.sees(text);
}

/** Lines wider than `columns`, but for those that hold one path or command that must not be broken. */
function tooWide(text: string, columns: number): readonly string[] {
  return text.split(/[\n\r]/).filter((line) => line.length > columns && !/\$ /.test(line) && !/\S{45,}/.test(line));
}

async function expectWhole(lab: Lab, master: string): Promise<void> {
  expect(await lab.master()).toBe(master);
  const checked = await lab.checkWrites();
  expect({ missing: checked.missing, extra: checked.extra }).toEqual({ missing: [], extra: [] });
  expect(leftOn(lab)).toEqual([]);
}

function runsOf(lab: Lab): readonly string[] {
  const runs = join(lab.directory, 'operator', 'redis-runbook', 'runs');
  return readdirSync(runs).map((name) => join(runs, name));
}

describe.concurrent('recover in a terminal', () => {
  test('tells the truth, shows the choice and the plan, asks three times, and proves', () =>
    clean.withCopy(async (lab) => {
      const before = filesOf(lab);
      const terminal = inTerminal(lab, ['recover']);
      await seesAll(terminal, [
        'Nothing is changed until you say so. Stop at any question: Ctrl-C or q.',
        'Looked at 5 of 5 hosts',
        '1/4 THE CHOICE',
        'stn-master is down: Redis runs on none of pv1, pv2 and pv3.',
        `>  ${clean.lastWriter}   recommended`,
        'would have',
        'FRESHEST',
        '2/4 WHAT EACH CHOICE SETS ASIDE',
        'Why nothing gentler:',
        '3/4 THE PLAN',
        'No file is deleted.',
        '1 HOLD',
        '7 PROVE',
        'Undo: any time until',
        '+sentinel config-epoch',
        '4/4 DO IT',
        'Undo: yes. No data moves.',
        gate1,
      ]);
      terminal.type('\r');
      await seesAll(terminal, ['y  do them', gate1]);
      terminal.type('c\r');
      await seesAll(terminal, ['pvha1$ ', 'pv1$ ', gate1]);
      terminal.type('d\r');
      await seesAll(terminal, ['-sentinel current-epoch', gate1]);
      expect(filesOf(lab)).toEqual(before);
      terminal.type('y\r');
      await seesAll(terminal, ['1 HOLD', 'ok  pv1/sentinel', 'Now: no sentinel runs', '2 KEEP', 'kept', 'Now:']);
      await seesAll(terminal, ['A service that runs goes down here', gate2]);
      terminal.type('y\r');
      await seesAll(terminal, ['3 STOP', 'Now:', '4 REWRITE', 'Now:', '5 CHECK', 'would load', 'Last point to undo']);
      await seesAll(terminal, ['Undo ends with the first write', gate3]);
      terminal.type('y\r');
      await seesAll(terminal, ['6 START', `${clean.lastWriter} is master`, 'writes are allowed', '7 PROVE']);
      await seesAll(terminal, [
        'stn-master serves again since',
        'Nothing that was on a disk is lost',
        'Next:',
        'report',
      ]);
      expect(await terminal.ended(), terminal.screen()).toBe(0);
      expect(tooWide(terminal.screen(), 80)).toEqual([]);
      await expectWhole(lab, clean.lastWriter);
    }));

  test('declined at the first question leaves nothing behind, at the second everything kept; a goes on to the end', () =>
    clean.withCopy(async (lab) => {
      const before = filesOf(lab);
      const first = inTerminal(lab, ['recover'], 160);
      await first.sees(gate1);
      first.type('q\r');
      await seesAll(first, ['Stopped in stage HOLD', 'Nothing was changed']);
      expect(await first.ended()).toBe(7);
      expect(filesOf(lab)).toEqual(before);
      expect(tooWide(first.screen(), 160)).toEqual([]);

      const second = inTerminal(lab, ['recover'], 160);
      await second.sees(gate1);
      second.type('y\r');
      await second.sees(gate2);
      second.type('q\r');
      await seesAll(second, ['Stopped in stage STOP', 'Data and configs are kept', 'redis-runbook resume ']);
      expect(await second.ended()).toBe(8);

      const third = inTerminal(lab, ['recover'], 160);
      await third.sees(gate1);
      third.type('a\r');
      await seesAll(third, ['taken over from run', '3 STOP', '6 START', 'serves again since']);
      expect(await third.ended(), third.screen()).toBe(0);
      expect(third.screen()).not.toContain(gate2);
      await expectWhole(lab, clean.lastWriter);
    }));

  test('saves the plan and stops', () =>
    clean.withCopy(async (lab) => {
      const before = filesOf(lab);
      const terminal = inTerminal(lab, ['recover']);
      await terminal.sees(gate1);
      terminal.type('s\r');
      await terminal.sees('Nothing was changed');
      expect(await terminal.ended()).toBe(7);
      expect(filesOf(lab)).toEqual(before);
      const file = join(lab.directory, 'redis-runbook-plan-stn-master.json');
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ schema: 'redis-runbook/plan/1' });
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }));

  test('--step asks before each action', () =>
    clean.withCopy(async (lab) => {
      const before = filesOf(lab);
      const terminal = inTerminal(lab, ['recover', '--step']);
      await terminal.sees(gate1);
      terminal.type('y\r');
      await seesAll(terminal, ['next: pv', 'Do hold/']);
      expect(filesOf(lab)).toEqual(before);
      terminal.type('y\r');
      await seesAll(terminal, ['locked for run', 'Do hold/']);
      terminal.type('q\r');
      await terminal.sees('Stopped in stage HOLD');
      expect(await terminal.ended()).toBe(7);
      expect(filesOf(lab)).toEqual(before);
    }));

  test('takes only the typed name for a loss, then a reason, and records it', () =>
    lossy.withCopy(async (lab) => {
      const before = filesOf(lab);
      const refused = inTerminal(lab, ['recover']);
      const question = 'Type the name of the node that becomes master, or Enter to stop:';
      await refused.sees(question);
      for (const wrong of ['yes', 'y', 'PV1']) {
        refused.type(`${wrong}\r`);
        await refused.sees('Nothing was done.');
      }
      await refused.sees('The name was not typed. Nothing was changed.');
      expect(await refused.ended()).toBe(3);
      expect(filesOf(lab)).toEqual(before);

      const winner = /> {2}(pv\d) {3}recommended/.exec(refused.screen())?.[1] ?? 'none';
      const given = inTerminal(lab, ['recover']);
      await given.sees(question);
      given.type(`${winner}\r`);
      await given.sees('Why (one line, goes into the report):');
      given.type('the UPS is to blame\r');
      await seesAll(given, ['3/4 THE PLAN', 'Accepted: the last writes are on no disk.', gate1]);
      given.type('a\r');
      await seesAll(given, ['What was on no disk is lost, as accepted', 'the UPS is to blame']);
      expect([0, 10]).toContain(await given.ended());
      expect(await lab.master()).toBe(winner);
      expect(readFileSync(join(runsOf(lab).at(-1) ?? '', 'report.md'), 'utf8')).toContain('the UPS is to blame');
    }));

  test('whose window is closed finishes what it is doing, stops in order, and can be gone on with', () =>
    clean.withCopy(async (lab) => {
      const terminal = inTerminal(lab, ['recover']);
      await terminal.sees(gate1);
      terminal.type('a\r');
      await terminal.sees('dump.rdb (link');
      terminal.close();
      expect(await terminal.ended()).toBe(8);
      const [run = ''] = runsOf(lab);
      const journal = parseJournal(readFileSync(join(run, 'journal.jsonl'), 'utf8'));
      expect(journal.torn).toBeUndefined();
      expect(journal.lines.at(-1)).toMatchObject({ action: 'run', phase: 'result', outcome: 'skipped' });
      const begun = journal.lines.filter((line) => line.phase === 'intent').map((line) => line.action);
      const ended = new Set(journal.lines.filter((line) => line.phase === 'result').map((line) => line.action));
      // The stage under way is begun and not ended; each action, with a slash in its id, is both.
      expect(begun.filter((action) => action.includes('/') && !ended.has(action))).toEqual([]);
      expect(readFileSync(join(run, 'report.md'), 'utf8')).toContain('stopped');

      const again = await runbook(lab, ['recover', '--yes']);
      expect(again.status, again.stdout + again.stderr).toBe(0);
      await expectWhole(lab, clean.lastWriter);
    }));
});
