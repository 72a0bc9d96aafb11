import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agreedCopies, type HostCopy } from '../../src/execute/brought.js';
import { journalPath, openJournal } from '../../src/execute/journal.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'redis-runbook-copies-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function journal(count: number): Promise<string> {
  const opened = await openJournal(directory, '7K3Q', () => new Date('2026-11-20T17:33:02.000Z'));
  for (let n = 1; n <= count; n += 1) await opened.write({ action: 'run', phase: 'evidence', text: `line ${n}` });
  await opened.close();
  return readFile(journalPath(directory), 'utf8');
}

const bytes = (text: string) => new TextEncoder().encode(text);
const copy = (host: string, text: string, plan = '{}'): HostCopy => ({
  host,
  files: new Map([
    ['plan.json', bytes(plan)],
    ['journal.jsonl', bytes(text)],
  ]),
});
const upTo = (text: string, lines: number) => `${text.split('\n').slice(0, lines).join('\n')}\n`;

describe('copies of a run on several hosts', () => {
  it('goes by what two have; one alone that has more is not believed', async () => {
    const text = await journal(9);
    const agreed = agreedCopies([copy('pv1', upTo(text, 9)), copy('pv2', upTo(text, 7)), copy('pv3', upTo(text, 5))]);
    expect(agreed).toMatchObject({ ok: true, journal: upTo(text, 7), behind: [{ host: 'pv3', lines: 2 }] });
  });

  it('takes the only one that there is', async () => {
    const text = await journal(4);
    expect(agreedCopies([copy('pv1', text)])).toMatchObject({ ok: true, journal: text, behind: [] });
  });

  it('passes over a line that was being written', async () => {
    const text = await journal(4);
    expect(agreedCopies([copy('pv1', `${text}{"n":5,"pr`), copy('pv2', text)])).toMatchObject({
      ok: true,
      journal: text,
    });
  });

  it.each([
    ['a flipped byte', (text: string) => text.replace('line 2', 'line 3'), 'pv2: line 3 of its journal does not fit'],
    ['a missing line', (text: string) => text.replace(/.*line 2.*\n/, ''), 'pv2: line 2 of its journal does not fit'],
    ['a newer version', (text: string) => text.replace('journal/1', 'journal/9'), 'pv2: its journal is of the kind'],
  ])('names the host that has %s', async (_name, change, problem) => {
    const text = await journal(4);
    const agreed = agreedCopies([copy('pv1', text), copy('pv2', change(text)), copy('pv3', text)]);
    expect(agreed).toMatchObject({ ok: false, problems: [expect.stringContaining(problem)] });
  });

  it('names the host whose plan is another one, and both where no two agree', async () => {
    const text = await journal(2);
    const three = agreedCopies([copy('pv1', text), copy('pv2', text), copy('pv3', text, '{"x":1}')]);
    expect(three).toEqual({ ok: false, problems: ['pv3: its plan.json is not the one that the other copies have'] });
    const two = agreedCopies([copy('pv1', text), copy('pv3', text, '{"x":1}')]);
    expect(two).toMatchObject({ ok: false, problems: { length: 2 } });
  });
});
