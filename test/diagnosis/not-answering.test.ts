import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { RawAnswer, RawHost } from '../../src/model/raw-host.js';
import type { RedisSurvey } from '../../src/model/survey.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, recorded } from '../scenarios/fixtures.js';

const fleet = await recorded('healthy');

/** What INFO of these nodes was answered with. */
function withInfo(nodes: readonly string[], answer: (before: RawAnswer) => RawAnswer): (raw: RawHost) => RawHost {
  return (raw) => ({
    ...raw,
    answers: raw.answers.map((each) => (nodes.includes(each.node) && /^INFO/.test(each.command) ? answer(each) : each)),
  });
}

const turnedAway = ({ node, command }: RawAnswer): RawAnswer => ({
  node,
  command,
  answer: {
    ok: false,
    why: 'denied',
    detail: 'WRONGPASS invalid username-password pair or user is disabled.',
    from: { host: node, source: 'INFO' },
    at: '',
  },
});

const loading = (before: RawAnswer): RawAnswer => {
  if (!before.answer.ok || typeof before.answer.value !== 'string') return before;
  const value = before.answer.value
    .replace(/^loading:0/m, 'loading:1')
    .replace('master_link_status:up', 'master_link_status:down');
  return { ...before, answer: { ...before.answer, value } };
};

describe('a password that is refused', () => {
  test('by every node: the state is not known, and not that nothing serves', () => {
    const { diagnosis } = judged(fleet, withInfo(['pv1', 'pv2', 'pv3'], turnedAway));
    expect(diagnosis.state).toBe('unknown');
    expect(diagnosis.headline).toEqual([
      'The state of stn-master is not known: pv1, pv2 and pv3 run and refuse the password.',
    ]);
    expect(() => decide(diagnosis, noChoice)).toThrow(expect.objectContaining({ word: 'auth' }));
  });

  test('by the master alone: nobody is promoted past it', () => {
    const { diagnosis } = judged(fleet, withInfo(['pv1'], turnedAway));
    expect(diagnosis.state).toBe('unknown');
    const [finding] = diagnosis.findings.filter(({ id }) => id === 'password-refused');
    expect(finding?.says).toBe(
      'pv1 refuses the Redis password (tried once); pv2 and pv3 accept it: WRONGPASS invalid username-password pair or user is disabled',
    );
    expect(() => decide(diagnosis, { ...noChoice, promote: 'pv2', reason: 'x' })).toThrow(
      expect.objectContaining({ word: 'auth' }),
    );
  });

  test('by a replica: the group serves, and that is what is amiss', () => {
    const { diagnosis } = judged(fleet, withInfo(['pv3'], turnedAway));
    expect(diagnosis.state).toBe('degraded');
    expect(diagnosis.headline.join(' ')).toContain('pv3 runs and refuses the password');
  });
});

test('a node that loads its own files is waited for, and is nobody to set aside', () => {
  const { survey } = judged(fleet, withInfo(['pv3'], loading));
  const diagnosis = diagnose(survey, 'stn-master');
  expect(diagnosis.headline.join(' ')).toContain('pv3 is loading its data');
  expect(() => decide(diagnosis, { ...noChoice, promote: 'pv1', setAside: ['pv3'], reason: 'x' })).toThrow(
    expect.objectContaining({ word: 'too-little-seen' }),
  );
});

test('a foreign program at the place of a node that is off is told, and blocks nothing that does not start the node', () => {
  const { survey } = judged(fleet, withInfo([], loading));
  const holder = 'port 6379 on pv3 is held by python3 (pid 7), not by redis-server';
  const off = (node: RedisSurvey): RedisSurvey => ({
    ...node,
    process: { ...node.process, ok: true, value: null } as RedisSurvey['process'],
    running: {
      ...node.running,
      ok: false,
      why: 'absent',
      detail: `no process runs; ${holder}`,
    } as RedisSurvey['running'],
  });
  const [[name, group] = ['', undefined]] = Object.entries(survey.groups);
  if (group === undefined) throw new Error('no group');
  const redis = group.redis.map((node) => (node.node === 'pv3' ? off(node) : node));
  const diagnosis = diagnose({ ...survey, groups: { [name]: { ...group, redis } } }, name);
  expect(diagnosis.headline.join(' ')).toContain(`pv3 does not run, and ${holder}`);
  expect(diagnosis.findings).toContainEqual(
    expect.objectContaining({ id: 'port-held', blocks: false, says: `${holder}: pv3 could not be started` }),
  );
  expect(JSON.stringify(diagnosis.claims)).toContain(`no redis-server process, ${holder}`);
});
