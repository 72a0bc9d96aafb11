import { describe, expect, test } from 'vitest';
import { statusOf } from '../../src/cli/status.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, recorded } from './fixtures.js';

/** Hosts whose login may not read what belongs to Redis. */
function denied(...hosts: readonly string[]): (raw: RawHost) => RawHost {
  return (raw) => {
    if (!hosts.includes(raw.host)) return raw;
    const not = (source: string) => ({
      ok: false as const,
      why: 'denied' as const,
      detail: 'permission denied (sudo: a password is required)',
      from: { host: raw.host, source },
      at: raw.at,
    });
    return { ...raw, files: raw.files.map((file) => ({ ...file, stat: not(file.path), content: not(file.path) })) };
  };
}

describe('a dead fleet whose files this login may not read', () => {
  test('is not judged: that is said, with what would help, and no node is offered to be given up', async () => {
    const { survey, diagnosis } = judged(await recorded('cascade-clean'), denied('pv1', 'pv2', 'pv3'));
    const finding = diagnosis.findings.find(({ id }) => id === 'files-not-readable');
    expect(finding).toMatchObject({ blocks: true, nodes: ['pv1', 'pv2', 'pv3'] });
    expect(finding?.says).toContain('a password is required');
    expect(() => decide(diagnosis, noChoice)).toThrowError(
      expect.objectContaining({ word: 'too-little-seen', exit: 4, next: [expect.stringContaining('doctor')] }),
    );
    const given = { ...noChoice, promote: 'pv2', setAside: ['pv1', 'pv3'], reason: 'x' };
    expect(() => decide(diagnosis, given)).toThrowError(expect.objectContaining({ word: 'too-little-seen' }));
    expect(statusOf(survey, diagnosis)).toBe(4);
  });

  test('one of them is enough: its data may be the freshest', async () => {
    const { diagnosis } = judged(await recorded('cascade-clean'), denied('pv3'));
    expect(diagnosis.findings.find(({ id }) => id === 'files-not-readable')?.nodes).toEqual(['pv3']);
    expect(() => decide(diagnosis, noChoice)).toThrowError(expect.objectContaining({ exit: 4 }));
  });

  test('that serves is judged by what it answers', async () => {
    const { diagnosis } = judged(await recorded('healthy'), denied('pv1', 'pv2', 'pv3'));
    expect(diagnosis.findings.filter(({ id }) => id === 'files-not-readable')).toEqual([]);
  });
});
