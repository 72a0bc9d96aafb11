import { describe, expect, test } from 'vitest';
import { unknownNodes } from '../../src/diagnosis/strangers.js';
import type { GroupSurvey } from '../../src/model/survey.js';
import { redis, seen, sentinel, sentinelFile, unseen, view } from '../report/builders.js';

const stranger = '10.0.0.9:26379';

function group(more: Partial<GroupSurvey>, flags?: readonly string[]): GroupSurvey {
  const seenFile = sentinelFile('pv1', 3n);
  if (!seenFile.ok) throw new Error('no file');
  const file = { ...seenFile.value, knownSentinels: [{ address: stranger }], knownReplicas: [] };
  const peer = { address: stranger, runId: '', flags: flags ?? [], lastHelloAgoMs: 1, lastOkPingAgoMs: 1 };
  const live = { view: flags ? seen(view('pv1', 3n, { peers: [peer], replicas: [] })) : unseen('absent') };
  return { group: 'g', redis: [redis('pv1')], sentinels: [sentinel('pv1', { file: seen(file), ...live })], ...more };
}

const named = { ignored: [{ address: '10.0.0.9', reason: 'given back in May' }] };

describe('a sentinel that the fleet knows and fleet.yaml does not', () => {
  test('blocks, with the line that would leave it out', () => {
    const [finding] = unknownNodes(group({}));
    expect(finding).toMatchObject({ id: 'unknown-node', blocks: true });
    expect(finding?.next).toContain('ignore: [{ address: 10.0.0.9, port: 26379, reason: "..." }]');
  });

  test('does not block once it is named as gone for good, and is told with the reason', () => {
    const [finding] = unknownNodes(group(named));
    expect(finding).toMatchObject({ id: 'ignored-node', blocks: false });
    expect(finding?.says).toContain('given back in May');
  });

  test('named on another port is not this one', () => {
    const other = { ignored: [{ address: '10.0.0.9', port: 26380, reason: 'given back' }] };
    expect(unknownNodes(group(other))[0]?.id).toBe('unknown-node');
  });

  test('named as gone and seen up blocks all the same', () => {
    expect(unknownNodes(group(named, ['sentinel']))).toMatchObject([{ id: 'ignored-node-is-up', blocks: true }]);
    expect(unknownNodes(group(named, ['s_down', 'sentinel']))).toMatchObject([{ id: 'ignored-node' }]);
  });
});
