import { describe, expect, test } from 'vitest';
import { actionsOf, type Plan } from '../../src/model/plan.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { known } from '../../src/model/seen.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, planOf, type Recorded, recorded } from './fixtures.js';

const line = (version: string) => `Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=0`;

/** The recorded fleet with other programs on the hosts that are named. */
function withPrograms(versions: Readonly<Record<string, string>>): (raw: RawHost) => RawHost {
  return (raw) => {
    const version = versions[raw.host];
    return version === undefined ? raw : { ...raw, servers: [{ path: '/usr/bin/redis-server', says: line(version) }] };
  };
}

/** In `cascade-clean` pv2 is the freshest, and contains pv1 and pv3. */
async function cascade(versions: Readonly<Record<string, string>>): Promise<Recorded> {
  return judged(await recorded('cascade-clean'), withPrograms(versions));
}

const older = { ...noChoice, setAside: ['pv1'], reason: 'upgraded next week' };

function nodesOf(plan: Plan, kind: string): readonly string[] {
  return actionsOf(plan).flatMap((action) => (action.kind === kind ? [action.node] : []));
}

describe('the server of a node', () => {
  test('is what its program says, before what its log says', async () => {
    const { group } = await cascade({ pv1: '6.0.16' });
    expect(group.redis.map((node) => known(node.server)?.version)).toEqual(['6.0.16', '7.0.15', '7.0.15']);
    expect(group.redis.map((node) => node.server.from.source)[0]).toBe('/usr/bin/redis-server --version');
  });

  test('is not known where neither tells it, and then holds nothing up', async () => {
    const silent = (raw: RawHost): RawHost => ({
      ...raw,
      servers: [{ path: '/usr/bin/redis-server', says: 'Segmentation fault' }],
      files: raw.files.filter((file) => file.role !== 'log' || file.node.includes('/sentinel')),
    });
    const { group, diagnosis } = judged(await recorded('cascade-clean'), silent);
    expect(group.redis.map((node) => node.server.ok)).toEqual([false, false, false]);
    expect(diagnosis.findings.filter(({ id }) => id === 'older-server' || id === 'mixed-versions')).toEqual([]);
  });
});

describe('an older server beside a freshest newer one', () => {
  test('blocks, in words that say what follows and what can be done', async () => {
    const { diagnosis } = await cascade({ pv1: '6.0.16' });
    expect(diagnosis.winner).toBe('pv2');
    const finding = diagnosis.findings.find(({ id }) => id === 'older-server');
    expect(finding).toMatchObject({ blocks: true, nodes: ['pv1'] });
    expect(finding?.says).toContain(
      'Redis 7.0.15 sends its data in RDB version 10, and Redis 6.0.16 reads versions up to 9',
    );
    expect(finding?.says).toContain('throw its own data away');
    expect(finding?.next).toContain('upgrade the server of pv1');
    expect(() => decide(diagnosis, noChoice)).toThrowError(expect.objectContaining({ word: 'blocked', exit: 3 }));
    expect(() => decide(diagnosis, noChoice)).toThrowError(/pv1 could not copy from pv2/);
  });

  test('is left out by name and with a reason: held and kept, never started', async () => {
    const fleet = await cascade({ pv1: '6.0.16' });
    expect(() => decide(fleet.diagnosis, { ...noChoice, setAside: ['pv1'] })).toThrowError(/only with a reason/);
    const decision = decide(fleet.diagnosis, older);
    expect(decision).toMatchObject({ master: 'pv2', setAside: [], missing: [], leftOut: [{ node: 'pv1' }] });

    const plan = await planOf(fleet, decision);

    expect(plan.replicas).toEqual(['pv3']);
    expect(plan.leftOut).toEqual([expect.objectContaining({ host: 'pv1', node: 'pv1' })]);
    expect(plan.leftOut[0]?.next).toMatch(/Upgrade its server first, then type on pv1: rm .*\/hold\/redis && /);
    for (const kind of ['service.hold', 'data.keep', 'config.keep', 'config.rewrite', 'config.check'])
      expect([kind, nodesOf(plan, kind)]).toEqual([kind, expect.arrayContaining(['pv1'])]);
    for (const kind of ['service.start', 'service.release', 'data.check'])
      expect([kind, nodesOf(plan, kind).includes('pv1')]).toEqual([kind, false]);
    expect(nodesOf(plan, 'service.start')).toContain('pv1/sentinel');
    const conditions = plan.stages.flatMap((stage) => stage.batches.flatMap((batch) => batch.then));
    const held = conditions.find((each) => each.kind === 'nothing-held');
    expect(held?.kind === 'nothing-held' && held.nodes.includes('pv1')).toBe(false);
    const agree = conditions.find((each) => each.kind === 'sentinels-agree');
    expect(agree?.kind === 'sentinels-agree' && agree.replicas).toEqual(['pv3']);
    expect(conditions.filter((each) => each.kind === 'linked-to').map((each) => each.node)).toEqual(['pv3']);
  });

  test('does not block as a master that the operator names, and what only the newer ones hold is asked for', async () => {
    const { diagnosis } = await cascade({ pv1: '7.0.15', pv2: '8.0.2', pv3: '8.0.2' });
    const decision = decide(diagnosis, { ...noChoice, promote: 'pv1' });
    expect(decision.leftOut).toBeUndefined();
    expect(decision.missing.map((consent) => consent.node)).toEqual(['pv2', 'pv3']);
  });

  test('two of them are named together', async () => {
    const { diagnosis } = await cascade({ pv1: '6.0.16', pv3: '6.2.14' });
    expect(() => decide(diagnosis, older)).toThrowError(/pv1, pv3 could not copy from pv2/);
    const decision = decide(diagnosis, { ...older, setAside: ['pv1', 'pv3'] });
    expect(decision.leftOut?.map(({ node }) => node)).toEqual(['pv1', 'pv3']);
  });
});

describe('a server that is older than its own RDB file', () => {
  test('as the freshest node blocks: it would not start', async () => {
    const { diagnosis } = await cascade({ pv2: '6.0.16' });
    const finding = diagnosis.findings.find(({ id }) => id === 'data-too-new');
    expect(finding).toMatchObject({ blocks: true, nodes: ['pv2'] });
    expect(finding?.says).toContain(
      'the RDB file of pv2 is of version 10, which Redis 6.0.16, its server, refuses to load',
    );
    expect(() => decide(diagnosis, noChoice)).toThrowError(expect.objectContaining({ word: 'blocked' }));
    expect(() => decide(diagnosis, { ...noChoice, promote: 'pv2', reason: 'x' })).toThrowError(/would not start/);
  });

  test('beside a master of its own version is left out like one that cannot copy', async () => {
    const { diagnosis } = await cascade({ pv1: '7.2.4', pv2: '7.2.4', pv3: '6.2.14' });
    const finding = diagnosis.findings.find(({ id }) => id === 'older-server');
    expect(finding?.nodes).toEqual(['pv3']);
  });
});

describe('a fleet that serves', () => {
  test('is healthy with mixed servers, and warns of the next failover', async () => {
    const { diagnosis } = judged(
      await recorded('healthy'),
      withPrograms({ pv1: '7.0.15', pv2: '7.0.15', pv3: '8.0.2' }),
    );
    expect(diagnosis.state).toBe('healthy');
    const finding = diagnosis.findings.find(({ id }) => id === 'mixed-versions');
    expect(finding).toMatchObject({ severity: 'warning', blocks: false, nodes: ['pv1', 'pv2'] });
    expect(finding?.says).toContain('as soon as pv3 is promoted, pv1 and pv2 cannot copy from it any more');
  });

  test('of one version says nothing of it', async () => {
    for (const name of ['healthy', 'cascade-clean', 'cascade-crash-aof']) {
      const { diagnosis } = await recorded(name);
      expect(diagnosis.findings.filter(({ id }) => /version|older/.test(id))).toEqual([]);
    }
  });
});
