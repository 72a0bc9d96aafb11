import { describe, expect, test } from 'vitest';
import { pathsFor } from '../../src/diagnosis/diagnose.js';
import { idOf } from '../../src/diagnosis/sentinels.js';
import { actionsOf } from '../../src/model/plan.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, planOf, recorded } from '../scenarios/fixtures.js';

/** The healthy fleet with something changed in the texts of files of one role. */
async function healthyWith(role: string, host: string, change: (text: string) => string) {
  const saved = await recorded('healthy');
  return judged(saved, (raw: RawHost) => ({
    ...raw,
    files: raw.files.map((file) => {
      if (raw.host !== host || file.role !== role || !file.content.ok || !('text' in file.content.value)) return file;
      return { ...file, content: { ...file.content, value: { text: change(file.content.value.text) } } };
    }),
  }));
}

describe('the path of a fleet that serves', () => {
  test('is nothing while all is well, and every harder one that is possible may be asked for', async () => {
    const { diagnosis } = await recorded('healthy');
    expect(diagnosis.path.recommended).toBe('nothing');
    expect(diagnosis.path.impossible?.map(({ path }) => path)).toEqual(['failover']);
    expect(diagnosis.serving).toBe(diagnosis.winner);
  });

  test('is not sentinels-only where a file gives a running node another role after a restart', async () => {
    const fleet = await healthyWith('redis.conf', 'pv2', (text) => text.replace(/^(replicaof|slaveof) .*$/m, ''));
    const sentinelsOnly = fleet.diagnosis.path.impossible?.find(({ path }) => path === 'sentinels-only');
    expect(sentinelsOnly?.why).toContain('pv2 would have another role after a restart');
  });

  test('is live or cold when another node is to be master', async () => {
    const fleet = await recorded('healthy');
    const other = fleet.diagnosis.candidates.find(({ node }) => node !== fleet.diagnosis.serving)?.node ?? '';
    const paths = pathsFor(fleet.survey, fleet.group.group, [], { promote: other });
    expect(paths.recommended).toBe('live');
    expect(paths.ruledOut.map(({ path }) => path)).toEqual(['nothing', 'failover', 'sentinels-only']);
  });
});

describe('a plan for running nodes', () => {
  test('of a fleet that lacks a replica touches nothing that serves, and asks at its three gates', async () => {
    const fleet = await recorded('replica-down');
    expect(fleet.diagnosis.path.recommended).toBe('live');
    const plan = await planOf(fleet, decide(fleet.diagnosis, noChoice, 'live'), 'recover-live');
    expect(plan).toMatchObject({ serves: true, downtimeSeconds: 0, master: fleet.diagnosis.serving });
    expect(plan.stages.map(({ title }) => title)).toEqual(['HOLD', 'KEEP', 'REWRITE', 'CHECK', 'START', 'PROVE']);
    expect(plan.stages.flatMap(({ gate }) => gate ?? [])).toEqual(['hold-keep', 'stop-rewrite-check', 'start']);
    const down = fleet.group.redis
      .filter(({ process }) => process.ok && process.value === null)
      .map(({ node }) => node);
    const kinds = new Map(actionsOf(plan).map((action) => [`${action.kind} ${action.node}`, action]));
    expect([...kinds.keys()].filter((each) => each.startsWith('service.start') && !each.includes('/sentinel'))).toEqual(
      down.map((node) => `service.start ${node}`),
    );
    expect([...kinds.keys()].filter((each) => /^(role|fence|data\.save)/.test(each))).toEqual([]);
  });

  test('gives the master to another one only when that has all of it, with the writes of the old one paused', async () => {
    const fleet = await recorded('healthy');
    const other = fleet.diagnosis.candidates.find(({ node }) => node !== fleet.diagnosis.serving)?.node ?? '';
    const decision = decide(fleet.diagnosis, { ...noChoice, promote: other }, 'live');
    expect(decision).toMatchObject({ master: other, catchUpFrom: fleet.diagnosis.serving, missing: [], setAside: [] });
    const plan = await planOf(fleet, decision, 'recover-live');
    const promote = plan.stages.find(({ title }) => title === 'PROMOTE');
    const kinds = promote?.batches.map((batch) => [
      ...Object.values(batch.lanes)
        .flat()
        .map(({ kind, node }) => `${kind} ${node}`),
      ...batch.then.map(({ kind }) => kind),
    ]);
    expect(kinds).toEqual([
      [`fence.raise ${fleet.diagnosis.serving}`],
      [`role.follow ${other}`, 'caught-up-with'],
      [`fence.raise ${other}`, `role.lead ${other}`, 'is-master', 'data-loaded'],
      [`fence.lift ${other}`],
    ]);
    const actions = actionsOf(plan);
    const lifted = actions.findIndex(({ kind }) => kind === 'fence.lift');
    expect(lifted).toBeLessThan(actions.findIndex((action) => action.kind === 'service.start'));
  });
});

describe('a plan that leaves Redis alone', () => {
  test('touches no redis node, asks twice, needs Redis as it was before every stage and proves that it is', async () => {
    const fleet = await recorded('healthy');
    const plan = await planOf(fleet, decide(fleet.diagnosis, noChoice, 'sentinels-only'), 'recover-sentinels-only');
    const redis = new Set(fleet.group.redis.map(({ node }) => node));
    for (const action of actionsOf(plan)) expect(action.kind.startsWith('lock.') || !redis.has(action.node)).toBe(true);
    expect(plan.stages.flatMap(({ gate }) => gate ?? [])).toEqual(['hold-keep', 'stop-rewrite-check']);
    for (const stage of plan.stages) expect(stage.needs.filter(({ fact }) => fact === 'run-id')).toHaveLength(3);
    expect(plan).toMatchObject({ serves: true, downtimeSeconds: 0, scripts: [], master: fleet.diagnosis.serving });
    const waits = plan.stages.flatMap(({ batches }) => batches.flatMap(({ then }) => then));
    expect(waits.find(({ kind }) => kind === 'not-restarted')).toMatchObject({ nodes: { length: 3 } });
  });

  test('refuses to change the master', async () => {
    const { diagnosis } = await recorded('healthy');
    const other = diagnosis.candidates.find(({ node }) => node !== diagnosis.serving)?.node ?? '';
    expect(() => decide(diagnosis, { ...noChoice, promote: other }, 'sentinels-only')).toThrowError(/keeps/);
  });

  test('gives all but the first of two sentinels with one id a new one, and lets everybody forget the old', async () => {
    const saved = await recorded('healthy');
    const [one, clone] = saved.group.sentinels;
    const id = one && idOf(one);
    if (!one || !clone || id === undefined) throw new Error('the recording has no two sentinels');
    const fleet = judged(saved, (raw) => {
      if (raw.host !== clone.host) return raw;
      const answers = raw.answers.map((each) =>
        each.command === 'SENTINEL MYID' && each.answer.ok ? { ...each, answer: { ...each.answer, value: id } } : each,
      );
      return { ...raw, answers };
    });
    expect(fleet.diagnosis.findings).toContainEqual(
      expect.objectContaining({ id: 'duplicate-myid', nodes: [one.node, clone.node], blocks: false }),
    );
    const plan = await planOf(fleet, decide(fleet.diagnosis, noChoice, 'sentinels-only'), 'recover-sentinels-only');
    const intents = actionsOf(plan).flatMap((action) =>
      action.kind === 'config.rewrite' && action.intent.kind === 'sentinel.conf'
        ? [[action.node, action.intent] as const]
        : [],
    );
    expect(intents.filter(([, intent]) => intent.newId).map(([node]) => node)).toEqual([clone.node]);
    for (const [, intent] of intents) expect(intent.forget).toContain(id);
  });
});
