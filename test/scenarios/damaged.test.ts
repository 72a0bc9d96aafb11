import { describe, expect, test } from 'vitest';
import type { RawHost, RawLine } from '../../src/model/raw-host.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, recorded } from './fixtures.js';

/** In this fleet pv3 was elected last, and its AOF holds all that pv2's holds and more. */
const fleet = await recorded('cascade-crash-aof');

/** The lines of a node's own log that `keep` says. */
function logLines(host: string, keep: (line: RawLine) => boolean): (raw: RawHost) => RawHost {
  return (raw) => ({
    ...raw,
    files: raw.files.map((file) => {
      if (raw.host !== host || file.role !== 'log' || file.node.includes('/sentinel') || !file.content.ok) return file;
      const { value } = file.content;
      if (!('matches' in value)) return file;
      const left = { matches: value.matches.filter(keep), tail: value.tail.filter(keep) };
      return { ...file, content: { ...file.content, value: left } };
    }),
  });
}

function configText(host: string, change: (text: string) => string): (raw: RawHost) => RawHost {
  return (raw) => ({
    ...raw,
    files: raw.files.map((file) => {
      if (raw.host !== host || file.role !== 'redis.conf' || !file.content.ok) return file;
      const { value } = file.content;
      return 'text' in value ? { ...file, content: { ...file.content, value: { text: change(value.text) } } } : file;
    }),
  });
}

const promotion = ({ text }: RawLine) =>
  /MASTER MODE|Setting secondary|Discarding previously|Replication backlog/.test(text);

describe('the log of the last master without its promotion', () => {
  test('and with lines that it wrote as master: no other node is said to hold all of it', () => {
    const { diagnosis } = judged(
      fleet,
      logLines('pv3', (line) => !promotion(line)),
    );
    expect(diagnosis.winner).toBeUndefined();
    const pv3 = diagnosis.candidates.find(({ node }) => node === 'pv3');
    expect(pv3?.speaksAgainst.join()).toContain('lines of a master behind the last history');
    expect(() => decide(diagnosis, { ...noChoice, promote: 'pv2' })).not.toThrow();
    const named = decide(diagnosis, { ...noChoice, promote: 'pv2' });
    expect(named.missing.map(({ node }) => node)).toContain('pv3');
  });

  test('and without any line since: the sentinels that elected it are believed', () => {
    const { diagnosis } = judged(
      fleet,
      logLines('pv3', (line) => !promotion(line) && !/^\d+:M /.test(line.text)),
    );
    expect(diagnosis.winner).toBeUndefined();
    const pv3 = diagnosis.candidates.find(({ node }) => node === 'pv3');
    expect(pv3?.speaksAgainst.join()).toContain('sentinels name it as master at epoch 2');
  });

  test('is settled by the bytes, where they were compared', () => {
    const bytes = (of: string) => ({
      of,
      within: 'pv3',
      result: { ok: true, value: 'contained' as const, from: { host: 'pv3', source: 'aof' }, at: '' } as const,
      comparedBytes: 4096,
    });
    const { diagnosis } = judged(
      fleet,
      logLines('pv3', (line) => !promotion(line)),
      [bytes('pv1'), bytes('pv2')],
    );
    expect(diagnosis.winner).toBe('pv3');
  });
});

test('a config that lost its appendonly line never makes the newest AOF a file beside the data', () => {
  const { diagnosis } = judged(
    fleet,
    configText('pv3', (text) => text.replace(/^appendonly yes$/m, '')),
  );
  expect(diagnosis.winner).toBeUndefined();
  expect(diagnosis.findings).toContainEqual(
    expect.objectContaining({ id: 'aof-not-loaded', nodes: ['pv3'], blocks: true }),
  );
  expect(() => decide(diagnosis, { ...noChoice, acceptLoss: 'pv2', reason: 'test' })).toThrow(
    expect.objectContaining({ word: 'blocked' }),
  );
});
