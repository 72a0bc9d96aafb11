import { describe, expect, test } from 'vitest';
import { actionsOf, type Plan } from '../../src/model/plan.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, planOf, recorded } from '../scenarios/fixtures.js';

async function coldPlanOf(name: string): Promise<Plan> {
  const fleet = await recorded(name);
  const choice = { ...noChoice, acceptLoss: fleet.diagnosis.winner ?? '', reason: 'test' };
  return planOf(fleet, decide(fleet.diagnosis, choice));
}

describe('a cold plan', () => {
  test('of a dead fleet stops nothing again, and needs nothing to run before it starts', async () => {
    const plan = await coldPlanOf('cascade-clean');
    const stops = actionsOf(plan).filter((action) => action.kind === 'service.stop');
    for (const stop of stops) expect(stop).toMatchObject({ mode: 'already-stopped' });
    const start = plan.stages.find((stage) => stage.id === 'start');
    expect(start?.needs).toEqual(['pv1', 'pv2', 'pv3'].map((node) => ({ node, fact: 'process', value: 'none' })));
  });

  test('of a running fleet saves before it stops, and names the processes that it saw', async () => {
    const plan = await coldPlanOf('healthy');
    const ids = actionsOf(plan).map((action) => `${action.kind} ${action.node}`);
    for (const node of ['pv1', 'pv2', 'pv3'])
      expect(ids.indexOf(`data.save ${node}`)).toBeLessThan(ids.indexOf(`service.stop ${node}`));
    const saves = actionsOf(plan).filter((action) => action.kind === 'service.stop' && action.mode === 'save');
    expect(saves.map((action) => action.node).sort()).toEqual(expect.arrayContaining(['pv1', 'pv2', 'pv3']));
    expect(plan.stages[0]?.needs.map((fact) => fact.fact)).toContain('run-id');
  });

  test('holds every sentinel before it touches data, and releases all at the end', async () => {
    const plan = await coldPlanOf('all-down-crash-both');
    const kinds = actionsOf(plan).map((action) => action.kind);
    expect(kinds[0]).toBe('lock.take');
    expect(kinds.at(-1)).toBe('lock.release');
    expect(kinds.lastIndexOf('service.hold')).toBeLessThan(kinds.indexOf('data.keep'));
    expect(kinds.indexOf('data.keep')).toBeLessThan(kinds.indexOf('config.rewrite'));
    expect(kinds.lastIndexOf('config.check')).toBeLessThan(kinds.indexOf('service.start'));
  });

  test('fences the master from before its start until its data was checked, and lifts the fence before a sentinel starts', async () => {
    const plan = await coldPlanOf('cascade-crash-aof');
    const actions = actionsOf(plan);
    const at = (test: (action: (typeof actions)[number]) => boolean): number => actions.findIndex(test);
    const lifted = at((action) => action.kind === 'fence.lift');
    expect(lifted).toBeGreaterThan(at((action) => action.kind === 'fence.raise'));
    expect(lifted).toBeLessThan(at((action) => action.kind === 'service.start' && action.as === 'sentinel'));
  });

  test('writes the roles into the files: no replicaof on the master, the new address on the others', async () => {
    const fleet = await recorded('cascade-clean');
    const plan = await planOf(fleet, decide(fleet.diagnosis, noChoice));
    const master = fleet.group.redis.find((node) => node.node === plan.master);
    for (const action of actionsOf(plan)) {
      if (action.kind !== 'config.rewrite') continue;
      if (action.intent.kind === 'sentinel.conf') {
        expect(action.intent.master).toEqual({ host: master?.address, port: master?.port });
        continue;
      }
      if (action.intent.kind !== 'redis.conf') throw new Error(`a recovery writes no ${action.intent.kind}`);
      const role = action.intent.set.find((each) => each.directive === 'replicaof');
      if (action.node === plan.master)
        expect([role, action.intent.drop]).toEqual([undefined, expect.arrayContaining(['replicaof'])]);
      else expect(role?.value).toEqual([master?.address, `${master?.port}`]);
    }
  });

  test('has three gates, a sentence for walking away after each stage, and words for every action', async () => {
    const plan = await coldPlanOf('cascade-crash-rdb');
    expect(plan.stages.flatMap((stage) => stage.gate ?? [])).toEqual(['hold-keep', 'stop-rewrite-check', 'start']);
    for (const stage of plan.stages) expect(stage.now.length).toBeGreaterThan(10);
    for (const action of actionsOf(plan)) {
      expect(action.says.text).not.toMatch(/undefined|\[object/);
      expect(action.says.expect).not.toBe('');
    }
    expect(plan.acceptedLoss).toBe('pv3');
  });

  test('lists the scripts that Sentinel would have run, with its own arguments', async () => {
    const saved = await recorded('cascade-clean');
    const scripted = judged(saved, (raw) => ({
      ...raw,
      files: raw.files.map((file) => {
        if (file.role !== 'sentinel.conf' || !file.content.ok || !('text' in file.content.value)) return file;
        const text = `${file.content.value.text}\nsentinel client-reconfig-script stn-master /usr/local/bin/move-vip\nsentinel notification-script stn-master /usr/local/bin/tell\n`;
        return { ...file, content: { ...file.content, value: { text } } };
      }),
    }));
    const plan = await planOf(scripted, decide(scripted.diagnosis, noChoice));
    expect(plan.scripts).toEqual([
      expect.stringMatching(
        /^on pv1: \/usr\/local\/bin\/move-vip stn-master leader start 127\.\S+ 6379 127\.\S+ 6379$/,
      ),
      expect.stringMatching(
        /^on pv1: \/usr\/local\/bin\/tell \+switch-master "stn-master 127\.\S+ 6379 127\.\S+ 6379"$/,
      ),
      expect.stringMatching(
        /^on pv3: \/usr\/local\/bin\/move-vip stn-master observer start 127\.\S+ 6379 127\.\S+ 6379$/,
      ),
      expect.stringMatching(/^on pv3: /),
    ]);
  });
});
