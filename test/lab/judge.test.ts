import { describe, expect, it } from 'vitest';
import { judgeWrites, writesText } from '../../src/lab/judge.js';
import type { OffLine, RecordLine, WriteLine } from '../../src/lab/record.js';

function write(seq: number, more: Partial<WriteLine> = {}): WriteLine {
  const at = 10_000 + seq;
  return {
    type: 'write',
    seq,
    node: 'pv1',
    key: `w:${seq}`,
    sha256: `h${seq}`,
    bytes: 10,
    acknowledged: true,
    linked: 1,
    sentAt: at,
    ackedAt: at,
    ...more,
  };
}

function off(at: number, how: OffLine['how'], node = 'pv1'): OffLine {
  return { type: 'off', node, how, at };
}

function held(...writes: readonly WriteLine[]): ReadonlyMap<string, string> {
  return new Map(writes.map((one) => [one.key, one.sha256]));
}

function seqs(record: readonly RecordLine[], keys: ReadonlyMap<string, string>): readonly number[] {
  return judgeWrites(record, keys, []).missing.map((one) => one.seq);
}

describe('which writes had to survive', () => {
  it('misses an acknowledged write of a node that was stopped cleanly', () => {
    expect(seqs([write(1), write(2), off(10_010, 'clean')], held(write(1)))).toEqual([2]);
  });

  it('misses at a crash only what was waited for or older than two seconds', () => {
    const old = write(1, { sentAt: 10_000, ackedAt: 10_000 });
    const atTwoSeconds = write(2, { sentAt: 18_000, ackedAt: 18_000 });
    const young = write(3, { sentAt: 19_000, ackedAt: 19_000 });
    const waited = write(4, { sentAt: 19_500, ackedAt: 19_500, waited: 1 });
    const waitedInVain = write(5, { sentAt: 19_500, ackedAt: 19_500, waited: 0 });
    const record = [old, atTwoSeconds, young, waited, waitedInVain, off(20_000, 'crash')];
    expect(seqs(record, held())).toEqual([1, 4]);
    expect(judgeWrites(record, held(), []).unpromised).toBe(3);
  });

  it('asks the end of the node that took the write, not the end of another', () => {
    const record = [write(1), off(10_500, 'crash', 'pv2'), off(20_000, 'clean')];
    expect(seqs(record, held())).toEqual([1]);
  });

  it('expects no write that was never acknowledged, and takes it when it is there', () => {
    const lost = write(1, { acknowledged: false });
    expect(judgeWrites([lost], held(), []).missing).toEqual([]);
    expect(judgeWrites([lost], held(lost), []).extra).toEqual([]);
  });
});

describe('keys that were overwritten', () => {
  const first = write(1, { key: 'hot' });
  const second = write(2, { key: 'hot' });

  it('takes the latest value for all that went before', () => {
    expect(seqs([first, second], held(second))).toEqual([]);
  });

  it('misses the later write when the older value stands', () => {
    expect(seqs([first, second], held(first))).toEqual([2]);
  });
});

describe('what a verdict named', () => {
  it('excuses by node and moment, by name, and only what is not there', () => {
    const record = [write(1), write(2), write(3), write(4, { node: 'pv2' })];
    const checked = judgeWrites(record, held(write(2)), [{ node: 'pv1', sinceMs: 10_002, why: 'set aside' }]);
    expect(checked.missing.map((one) => one.seq)).toEqual([1, 4]);
    expect(checked.excused).toEqual([{ seq: 3, node: 'pv1', key: 'w:3', why: 'set aside' }]);
    expect(checked.expected).toBe(2);
    expect(writesText(checked).join('\n')).toContain('3 w:3 (pv1)');
  });
});

describe('what was never sent', () => {
  it('names unknown keys and known keys with an unknown value', () => {
    const keys = new Map([
      ['w:1', 'other'],
      ['probe', 'x'],
    ]);
    const checked = judgeWrites([write(1)], keys, []);
    expect(checked.extra).toEqual(['w:1', 'probe']);
    expect(checked.missing.map((one) => one.seq)).toEqual([1]);
  });
});
