import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOfLine, journalPath, openJournal, parseJournal, readJournal } from '../../src/execute/journal.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'redis-runbook-journal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const now = () => new Date('2026-11-20T17:33:02.000Z');

async function written(count: number): Promise<string> {
  const journal = await openJournal(directory, '7K3Q', now);
  const lines = Array.from({ length: count }, (_, index) => ({
    action: `keep/pv1/data.keep/${index + 1}`,
    phase: 'result' as const,
    outcome: 'done' as const,
    text: `line ${index + 1}`,
    detail: { sizeBytes: 12n, offset: 9007199254740993n },
  }));
  await Promise.all(lines.map((line) => journal.write(line)));
  await journal.close();
  return readFile(journalPath(directory), 'utf8');
}

describe('the journal', () => {
  it('numbers and chains the lines of lanes that write at the same time', async () => {
    const text = await written(20);
    const read = parseJournal(text);
    expect(read.lines.map((line) => line.n)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(read.lines.map((line) => line.text)).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index + 1}`));
    const rows = text.trimEnd().split('\n');
    for (const [index, line] of read.lines.entries()) {
      expect(line.prev).toBe(index === 0 ? '0'.repeat(64) : hashOfLine(rows[index - 1] ?? ''));
    }
    expect(read.lines[0]?.detail).toEqual({ sizeBytes: 12n, offset: 9007199254740993n });
    expect((await stat(journalPath(directory))).mode & 0o777).toBe(0o600);
  });

  it('tells a torn last line and goes on after it', async () => {
    await written(3);
    await appendFile(journalPath(directory), '{"n":4,"prev":"ab');
    expect(await readJournal(directory)).toMatchObject({ torn: '{"n":4,"prev":"ab', lines: { length: 3 } });
    const journal = await openJournal(directory, '7K3Q', now);
    await journal.write({ action: 'run', phase: 'evidence', text: 'goes on' });
    await journal.close();
    const read = await readJournal(directory);
    expect(read.brokenAt).toBeUndefined();
    expect(read.torn).toBeUndefined();
    expect(read.lines.map((line) => [line.n, line.text])).toEqual([
      [1, 'line 1'],
      [2, 'line 2'],
      [3, 'line 3'],
      [4, 'goes on'],
    ]);
  });

  it.each([
    ['a changed word', (rows: string[]) => rows.map((row, i) => (i === 1 ? row.replace('line 2', 'line 9') : row)), 3],
    ['a line cut out', (rows: string[]) => rows.filter((_, i) => i !== 1), 2],
    ['two lines swapped', ([a = '', b = '', c = '', ...rest]: string[]) => [a, c, b, ...rest], 2],
    ['a line that is no JSON', (rows: string[]) => rows.map((row, i) => (i === 1 ? 'what' : row)), 2],
  ])('finds %s', async (_name, change, brokenAt) => {
    const rows = (await written(5)).trimEnd().split('\n');
    await writeFile(journalPath(directory), `${change(rows).join('\n')}\n`);
    expect((await readJournal(directory)).brokenAt).toBe(brokenAt);
    await expect(openJournal(directory, '7K3Q', now)).rejects.toMatchObject({ word: 'bad-journal' });
  });

  it('is empty where there is none', async () => {
    expect(await readJournal(directory)).toEqual({ lines: [] });
  });

  it('rejects a line that cannot be written', async () => {
    const journal = await openJournal(directory, '7K3Q', now);
    await journal.close();
    await expect(journal.write({ action: 'run', phase: 'intent', text: 'too late' })).rejects.toThrow();
  });
});

describe('what is wrong with a journal', () => {
  it('takes a last line that only lacks its line feed, and goes on after it', async () => {
    const text = await written(3);
    await writeFile(journalPath(directory), text.trimEnd());
    expect(await readJournal(directory)).toMatchObject({ unended: true, lines: { length: 3 } });
    const journal = await openJournal(directory, '7K3Q', now);
    await journal.write({ action: 'run', phase: 'evidence', text: 'goes on' });
    await journal.close();
    const read = await readJournal(directory);
    expect([read.brokenAt, read.torn, read.lines.length]).toEqual([undefined, undefined, 4]);
  });

  it('passes over several torn lines, as a disk leaves them that stays full', async () => {
    await written(2);
    await appendFile(journalPath(directory), '{"n":3,"pr\n{"n":3,"prev":"0\n{"n');
    const journal = await openJournal(directory, '7K3Q', now);
    await journal.write({ action: 'run', phase: 'evidence', text: 'goes on' });
    await journal.close();
    expect((await readJournal(directory)).lines.map((line) => line.n)).toEqual([1, 2, 3]);
  });

  it('finds every flipped bit of every line but the last, and never takes it for a torn end', async () => {
    const text = await written(3);
    const last = text.trimEnd().lastIndexOf('\n');
    for (let at = 0; at < last; at += 1) {
      const flipped = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ 1)}${text.slice(at + 1)}`;
      const read = parseJournal(flipped);
      const found = read.brokenAt !== undefined || read.newer !== undefined;
      expect(found, `byte ${at} of ${text.split('\n')[0]}`).toBe(true);
    }
  });

  it('refuses one of a newer version, and still shows what it says', async () => {
    const journal = await openJournal(directory, '7K3Q', now);
    await journal.write({ action: 'run', phase: 'intent', text: 'recover' });
    await journal.close();
    const text = await readFile(journalPath(directory), 'utf8');
    await writeFile(journalPath(directory), text.replace('journal/1', 'journal/2'));
    expect(await readJournal(directory)).toMatchObject({
      newer: 'redis-runbook/journal/2',
      lines: [{ text: 'recover' }],
    });
    await expect(openJournal(directory, '7K3Q', now)).rejects.toMatchObject({
      word: 'bad-journal',
      facts: [expect.stringContaining('redis-runbook/journal/2'), 'whole and in order: one line'],
    });
  });
});
