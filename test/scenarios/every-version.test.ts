import { describe, expect, test } from 'vitest';
import { actionsOf, type FileIntent, type Plan } from '../../src/model/plan.js';
import { known } from '../../src/model/seen.js';
import { type Choice, decide, noChoice } from '../../src/plan/choice.js';
import { applyRedisIntent } from '../../src/redis/edit-redis.js';
import { applySentinelIntent } from '../../src/redis/edit-sentinel.js';
import { promoted, started, stoppedWhole } from '../incidents/log-lines.js';
import { incidentOf } from '../incidents/night.js';
import { addressOf, group, id } from '../incidents/places.js';
import { judged, planOf, type Recorded } from './fixtures.js';

interface Server {
  readonly server: string;
  /** Of the RDB files that it writes (rdb.h:RDB_VERSION). */
  readonly rdb: number;
  /** How a new line that gives a role is spelled: an unknown directive ends the start, and `replicaof` is one before 5.0. */
  readonly word: 'slaveof' | 'replicaof';
  /** Whether its files name the history that they are of: since 4.0. */
  readonly hasIds: boolean;
}

const servers: readonly Server[] = [
  { server: '2.8.24', rdb: 6, word: 'slaveof', hasIds: false },
  { server: '3.2.12', rdb: 7, word: 'slaveof', hasIds: false },
  { server: '4.0.14', rdb: 8, word: 'slaveof', hasIds: true },
  { server: '5.0.14', rdb: 9, word: 'replicaof', hasIds: true },
  { server: '6.0.16', rdb: 9, word: 'replicaof', hasIds: true },
  { server: '6.2.14', rdb: 9, word: 'replicaof', hasIds: true },
  { server: '7.0.15', rdb: 10, word: 'replicaof', hasIds: true },
  { server: '7.2.7', rdb: 11, word: 'replicaof', hasIds: true },
  { server: '8.0.2', rdb: 12, word: 'replicaof', hasIds: true },
  { server: 'valkey 8.1.1', rdb: 11, word: 'replicaof', hasIds: true },
];

/** pv1 was master and died, pv2 took its place and everything died, in order; pv3 has less than pv2 of the same history. */
function fleetOf({ server, rdb, word, hasIds }: Server): Recorded {
  const of = (replid: string, offset: number) => (hasIds ? { replid: id(replid), offset } : {});
  const start = (role: 'M' | 'S') => (/^[23]\./.test(server) ? [] : started('08:00:00', server, role));
  const turned = hasIds ? promoted('10:00:00', ['a', 'b'], 5001) : [];
  return judged(
    incidentOf({
      name: server,
      source: 'as its servers write it',
      server,
      nodes: {
        pv1: {
          rdb: { version: rdb, keys: 5, at: '09:59:00', ...of('a', 5000) },
          log: [...start('M'), ...stoppedWhole('09:59:00', 'M')],
        },
        pv2: {
          rdb: { version: rdb, keys: 9, at: '11:00:00', ...of('b', 5400) },
          log: [...start('S'), ...turned, ...stoppedWhole('11:00:00', 'M')],
        },
        pv3: {
          conf: [`${word} ${addressOf('pv2')} 6379`],
          rdb: { version: rdb, keys: 8, at: '10:50:00', ...of('b', 5300) },
          log: [...start('S'), ...stoppedWhole('10:50:00', 'S')],
        },
      },
      sentinels: Object.fromEntries(
        ['pv1', 'pv2', 'pv3'].map((host) => [
          host,
          {
            master: host === 'pv1' ? 'pv1' : 'pv2',
            epoch: host === 'pv1' ? 1 : 2,
            replicas: [{ on: 'pv3', offset: 1 }],
          },
        ]),
      ),
      right: { winners: ['pv2'], why: 'it served last' },
    }),
  );
}

function edited(text: string, intent: FileIntent): string {
  if (intent.kind === 'redis.conf') return applyRedisIntent(text, intent).text;
  if (intent.kind === 'sentinel.conf') return applySentinelIntent(text, intent).text;
  throw new Error(`a recovery writes no ${intent.kind}`);
}

/** The texts that the plan's edits make of the files as they were found. */
function texts(fleet: Recorded, plan: Plan): ReadonlyMap<string, string> {
  return new Map(
    actionsOf(plan).flatMap((action): [string, string][] => {
      if (action.kind !== 'config.rewrite') return [];
      const file = fleet.raws
        .flatMap(({ files }) => files)
        .find(({ node, path }) => node === action.node && path === action.path);
      const content = file && known(file.content);
      if (content === undefined || !('text' in content)) throw new Error(`no text of ${action.node}`);
      return [[action.node, edited(content.text, action.intent)]];
    }),
  );
}

describe.each(servers)('a dead fleet of $server', (one) => {
  const fleet = fleetOf(one);
  // A log of 2.8 does not say whether a master or a replica stopped.
  const loss = one.server.startsWith('2.') ? { acceptLoss: 'pv2' } : {};
  const named: Choice = { ...noChoice, promote: 'pv2', setAside: ['pv1', 'pv3'], ...loss, reason: 'it served last' };

  test('is told apart by its files where they name a history, and is asked for names where they do not', () => {
    expect(fleet.group.redis.map(({ server }) => known(server)?.version)).toEqual(
      /^[23]\./.test(one.server) ? [undefined, undefined, undefined] : Array(3).fill(one.server.replace('valkey ', '')),
    );
    if (one.hasIds) {
      expect(fleet.diagnosis.winner).toBe('pv2');
      expect(decide(fleet.diagnosis, noChoice)).toMatchObject({ master: 'pv2', setAside: [], missing: [] });
      return;
    }
    expect(fleet.diagnosis.winner).toBeUndefined();
    expect(() => decide(fleet.diagnosis, noChoice)).toThrowError(expect.objectContaining({ exit: 3 }));
    expect(decide(fleet.diagnosis, named).missing).toEqual([]);
  });

  test('gets files that its own servers read', async () => {
    const plan = await planOf(fleet, decide(fleet.diagnosis, one.hasIds ? noChoice : named));
    const written = texts(fleet, plan);
    const role = (node: string) =>
      written
        .get(node)
        ?.split('\n')
        .filter((line) => /^(slaveof|replicaof)/.test(line));
    expect(role('pv2')).toEqual([]);
    for (const node of ['pv1', 'pv3'])
      expect([node, role(node)]).toEqual([node, [`${one.word} ${addressOf('pv2')} 6379`]]);
    for (const host of ['pv1', 'pv2', 'pv3']) {
      const text = written.get(`${host}/sentinel`) ?? '';
      expect(text).toContain(`sentinel monitor ${group} ${addressOf('pv2')} 6379 2\n`);
      expect(text).not.toMatch(/known-(slave|replica)/);
      expect(text).toMatch(new RegExp(`^sentinel config-epoch ${group} 3$`, 'm'));
    }
    const shown = actionsOf(plan).flatMap(({ says }) => [...says.commands, ...(says.diff ?? [])]);
    if (one.word === 'slaveof') expect(shown.join('\n')).not.toMatch(/replicaof/i);
  });
});
