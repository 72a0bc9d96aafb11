import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { LogEvent } from '../../src/model/formats.js';
import type { RedisSurvey, SentinelFile, Survey } from '../../src/model/survey.js';
import { assemble } from '../model/deeds.js';
import { crash, save } from '../model/events.js';
import { type Fleet, write } from '../model/fleet.js';
import { newFleet } from '../model/programs.js';
import { surveyOf } from '../model/survey-of.js';

const HUGE = 10n ** 15n;

/** Three nodes that wrote something; the master is dead, and its file with it unless it saved. */
function deadMaster(aof: boolean): Fleet {
  const fleet = newFleet([1, 2, 3].map(() => ({ aof, saves: true })));
  assemble(fleet);
  const [master] = fleet.nodes;
  if (!master) throw new Error('no node');
  for (let each = 0; each < 5; each++) write(fleet, master, 10);
  return fleet;
}

function changed(survey: Survey, node: string, change: (redis: RedisSurvey) => RedisSurvey): Survey {
  const group = survey.groups.g;
  if (!group) throw new Error('no group');
  return {
    ...survey,
    groups: { g: { ...group, redis: group.redis.map((each) => (each.node === node ? change(each) : each)) } },
  };
}

const lies = (redis: RedisSurvey): RedisSurvey => ({
  ...redis,
  running: redis.running.ok ? { ...redis.running, value: { ...redis.running.value, offset: HUGE } } : redis.running,
  rdb: redis.rdb.ok ? { ...redis.rdb, value: { ...redis.rdb.value, offset: HUGE } } : redis.rdb,
});

describe('a lead that only one node asserts', () => {
  test('a running replica with the right id and a huge offset does not win by its word', () => {
    const fleet = deadMaster(true);
    const [master] = fleet.nodes;
    if (master) crash(fleet, master);
    const diagnosis = diagnose(changed(surveyOf(fleet), 'pv3', lies), 'g');
    expect(diagnosis.winner).not.toBe('pv3');
  });

  test('nor when the true master left nothing: no winner until a name is typed', () => {
    const fleet = deadMaster(false);
    const [master] = fleet.nodes;
    if (master) crash(fleet, master);
    const diagnosis = diagnose(changed(surveyOf(fleet), 'pv3', lies), 'g');
    expect(
      diagnosis.winner === undefined || diagnosis.consents.some((consent) => consent.node === diagnosis.winner),
    ).toBe(true);
  });

  test('a dead replica with a forged header does not win over the elected master', () => {
    const fleet = deadMaster(false);
    for (const node of fleet.nodes) save(fleet, node);
    for (const node of fleet.nodes) crash(fleet, node);
    const diagnosis = diagnose(changed(surveyOf(fleet), 'pv3', lies), 'g');
    expect(diagnosis.winner === undefined || diagnosis.consents.length > 0).toBe(true);
    expect(
      diagnosis.claims.some((claim) => claim.says.startsWith('pv3 is the freshest') && claim.standing === 'proved'),
    ).toBe(false);
  });

  test('a sentinel on the same host, at an epoch of its own, is no second witness', () => {
    const fleet = deadMaster(true);
    const [master] = fleet.nodes;
    if (master) crash(fleet, master);
    const survey = changed(surveyOf(fleet), 'pv3', lies);
    const group = survey.groups.g;
    const [first, ...others] = group?.sentinels ?? [];
    if (!group || !first?.file.ok) throw new Error('no sentinel');
    const forged: SentinelFile = { ...first.file.value, master: '10.0.0.3:6379', configEpoch: 999n };
    const beside = { ...first, host: 'pv3', file: { ...first.file, value: forged } };
    const diagnosis = diagnose({ ...survey, groups: { g: { ...group, sentinels: [beside, ...others] } } }, 'g');
    expect(diagnosis.winner).not.toBe('pv3');
    expect(diagnosis.epochs.nextEpoch).toBe(1000n);
  });

  test('with the master out of reach, equal replicas bear each other out, and a liar has nobody', () => {
    const fleet = deadMaster(true);
    const survey = surveyOf(fleet);
    const away = {
      ok: false,
      why: 'timeout',
      detail: 'no route',
      from: { host: 'pv1', source: 'look' },
      at: '',
    } as const;
    const blind = changed(
      { ...survey, hosts: survey.hosts.map((host) => (host.host === 'pv1' ? { ...host, reached: away } : host)) },
      'pv1',
      (redis) => ({ ...redis, process: away, running: away, config: away, rdb: away, aof: away, log: away }),
    );
    expect(diagnose(blind, 'g').winner).toBe('pv2');
    expect(diagnose(changed(blind, 'pv3', lies), 'g').winner).toBeUndefined();
  });

  test('without the lie the elected master wins by the word of the sentinels', () => {
    const fleet = deadMaster(true);
    const [master] = fleet.nodes;
    if (master) crash(fleet, master);
    expect(diagnose(surveyOf(fleet), 'g').winner).toBe('pv1');
  });
});

const ids = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(40));
const at = (line: number): LogEvent['at'] => ({ file: 'redis.log', line, localMs: line, role: 'M', text: '' });

const anyEvent = fc.oneof(
  fc.record({
    kind: fc.constant('promoted' as const),
    parent: fc.constantFrom(...ids),
    cut: fc.bigInt(-5n, 50n),
    replid: fc.constantFrom(...ids),
  }),
  fc.record({
    kind: fc.constant('full-resync' as const),
    replid: fc.constantFrom(...ids),
    offset: fc.bigInt(-5n, 50n),
  }),
  fc.record({
    kind: fc.constant('partial-requested' as const),
    replid: fc.constantFrom(...ids),
    requestOffset: fc.bigInt(-5n, 50n),
  }),
  fc.record({ kind: fc.constant('master-id-changed' as const), replid: fc.constantFrom(...ids) }),
  fc.record({ kind: fc.constant('backlog-created' as const), replid: fc.constantFrom(...ids) }),
  fc.record({
    kind: fc.constant('partial-accepted' as const),
    address: fc.constant('x:1'),
    offset: fc.bigInt(-5n, 50n),
    lengthBytes: fc.bigInt(0n, 50n),
  }),
  fc.constantFrom<
    | { kind: 'started'; version: string; flavour: 'redis' }
    | { kind: 'saved' | 'exited' | 'flushed' | 'aof-rewritten' | 'loaded-aof' | 'loaded-rdb' | 'ready' }
  >(
    { kind: 'started', version: '7', flavour: 'redis' },
    { kind: 'saved' },
    { kind: 'exited' },
    { kind: 'flushed' },
    { kind: 'aof-rewritten' },
    { kind: 'loaded-aof' },
    { kind: 'loaded-rdb' },
    { kind: 'ready' },
  ),
);

function withLogs(survey: Survey, logs: readonly (readonly object[])[]): Survey {
  return logs.reduce<Survey>(
    (so, log, index) =>
      changed(so, `pv${index + 1}`, (redis) => ({
        ...redis,
        log: {
          ok: true,
          value: log.map((event, line) => ({ at: at(line + 1), ...event }) as LogEvent),
          from: { host: 'pv1', source: 'log' },
          at: '',
        },
      })),
    survey,
  );
}

function allDown(aof: boolean): Survey {
  const fleet = deadMaster(aof);
  for (const node of fleet.nodes) {
    save(fleet, node);
    crash(fleet, node);
  }
  return surveyOf(fleet);
}

describe('logs that no Redis wrote', () => {
  test('any events in any order, circles included, end in an answer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyEvent, { maxLength: 30 }), { minLength: 3, maxLength: 3 }),
        fc.boolean(),
        (logs, aof) => {
          const diagnosis = diagnose(withLogs(allDown(aof), logs), 'g');
          expect(diagnosis.candidates).toHaveLength(3);
          for (const edge of diagnosis.lineage.edges) expect(edge.cut).toBeGreaterThanOrEqual(0n);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('two records of one promotion that contradict each other join nothing', () => {
    const [a = '', b = ''] = ids;
    const logs = [
      [{ kind: 'promoted', parent: a, cut: 10n, replid: b }],
      [{ kind: 'promoted', parent: a, cut: 20n, replid: b }],
      [],
    ];
    const survey = changed(withLogs(allDown(false), logs), 'pv3', (redis) => ({
      ...redis,
      rdb: redis.rdb.ok ? { ...redis.rdb, value: { ...redis.rdb.value, replid: a, offset: 15n } } : redis.rdb,
    }));
    const joined = changed(survey, 'pv1', (redis) => ({
      ...redis,
      rdb: redis.rdb.ok ? { ...redis.rdb, value: { ...redis.rdb.value, replid: b, offset: 30n } } : redis.rdb,
    }));
    const pv1 = diagnose(joined, 'g').candidates.find((candidate) => candidate.node === 'pv1');
    expect(pv1?.versus.pv3).toMatchObject({ kind: 'incomparable', why: expect.stringContaining('contradict') });
  });

  test('twenty thousand promotions in each log do not cost the square of their number', () => {
    const id = (number: number): string => number.toString(16).padStart(40, '0');
    const log = Array.from({ length: 20_000 }, (_, n) => ({
      kind: 'promoted',
      parent: id(n),
      cut: BigInt(n),
      replid: id(n + 1),
    }));
    const survey = withLogs(allDown(true), [log, log, log]);
    const began = performance.now();
    expect(diagnose(survey, 'g').candidates).toHaveLength(3);
    expect(performance.now() - began).toBeLessThan(8000);
  });
});
