import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { RunbookError } from '../../src/errors.js';
import { toJson } from '../../src/model/json.js';
import { canonicalFacts, hashOfFacts } from '../../src/plan/canonical.js';
import { noChoice } from '../../src/plan/choice.js';
import { movedFacts, planDifferences } from '../../src/plan/plan-differences.js';
import { parsePlanFile, planFileText, wentBack } from '../../src/plan/plan-file.js';
import { planOf } from '../execute/plan-builder.js';
import { recorded } from '../scenarios/fixtures.js';

async function written() {
  const { survey, inventory, group } = await recorded('healthy');
  const plan = { ...planOf(inventory, []), group: group.group, fingerprint: hashOfFacts(canonicalFacts(group)) };
  const maker = {
    at: '2026-11-20T17:00:00Z',
    by: 'mina@ops',
    fleet: 'shop',
    runbook: 'recover-cold',
    choice: noChoice,
  };
  const diagnosis = diagnose(survey, group.group);
  return { plan: { ...plan, epoch: diagnosis.epochs.nextEpoch }, group, diagnosis, maker };
}

function wordOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof RunbookError ? `${error.word}: ${error.message} ${error.facts.join(' ')}` : String(error);
  }
  return 'read';
}

describe('a plan in a file', () => {
  test('is read back as it was written, and fits the fleet that it was made from', async () => {
    const { plan, group, diagnosis, maker } = await written();
    const read = parsePlanFile('p.json', planFileText(plan, maker, group));
    expect(read.made).toMatchObject({ by: 'mina@ops', choice: noChoice, runbook: 'recover-cold' });
    expect(movedFacts(read.made.facts, canonicalFacts(group))).toEqual([]);
    expect(wentBack(read.made, group, diagnosis)).toEqual([]);
    expect(planDifferences(read.plan, plan)).toEqual([]);
  });

  test('is refused with its name and the reason when it is none, newer, or has other facts than its fingerprint', async () => {
    const { plan, group, maker } = await written();
    const text = planFileText(plan, maker, group);
    const file = JSON.parse(text);
    const said = (value: unknown) => wordOf(() => parsePlanFile('p.json', toJson(value)));
    expect(wordOf(() => parsePlanFile('p.json', text.slice(0, -10)))).toContain('plan-file: p.json is no plan');
    expect(said([])).toContain('plan-file');
    expect(said({ ...file, schema: 'redis-runbook/plan/2' })).toContain('its schema is redis-runbook/plan/2');
    expect(said({ ...file, made: undefined })).toContain('not one that plan --out wrote');
    expect(said({ ...file, made: { ...file.made, version: 2 } })).toContain('a newer version wrote it (2)');
    expect(said({ ...file, made: { ...file.made, more: 1 } })).toContain('plan-file');
    expect(said({ ...file, made: { ...file.made, choice: { ...file.made.choice, setAside: 'pv1' } } })).toContain(
      'made.choice.setAside',
    );
    const facts = { ...file.made.facts, redis: file.made.facts.redis.slice(1) };
    expect(said({ ...file, made: { ...file.made, facts } })).toContain('plan-tampered');
  });

  test('names what moved on the fleet, and what went back', async () => {
    const { plan, group, diagnosis, maker } = await written();
    const { made } = parsePlanFile('p.json', planFileText(plan, maker, group));
    const now = canonicalFacts(group);
    const [first, ...others] = now.redis;
    if (!first) throw new Error('no node');
    const moved = (change: object) => movedFacts(now, { ...now, redis: [{ ...first, ...change }, ...others] });
    expect(moved({ runId: 'f'.repeat(40) })).toEqual([expect.stringContaining(`${first.node}: its run id was`)]);
    expect(moved({ runs: false })).toEqual([`${first.node}: its process was running, is stopped`]);
    expect(moved({ lines: [...(first.lines ?? []), 'maxclients 9000'] })).toEqual([
      `${first.node}: a line of its config is new: maxclients 9000`,
    ]);
    expect(moved({ lines: first.lines?.slice(1) })).toEqual([
      `${first.node}: a line of its config is gone: ${first.lines?.[0]}`,
    ]);
    const ahead = Object.fromEntries(
      Object.entries(made.atLeast.offsets).map(([node, end]) => [
        node,
        { ...end, offset: String(BigInt(end.offset) + 1n) },
      ]),
    );
    expect(Object.keys(ahead).length).toBeGreaterThan(0);
    const atLeast = { epoch: String(diagnosis.epochs.nextEpoch + 1n), offsets: ahead };
    const back = wentBack({ ...made, atLeast }, group, diagnosis);
    expect(back).toHaveLength(Object.keys(ahead).length + 1);
    expect(back.join('\n')).toContain('the next epoch went back');
  });

  test('names every place where it says something else than the plan that is made anew', async () => {
    const { plan, group, maker } = await written();
    const file = JSON.parse(planFileText(plan, maker, group));
    const { made: _, ...own } = file;
    expect(planDifferences({ ...own, master: 'pv9' }, plan)).toEqual([
      `plan.master: the file says "pv9", and it is "${plan.master}"`,
    ]);
    expect(planDifferences({ ...own, stages: [{ id: 'x' }] }, plan)).toHaveLength(1);
    expect(planDifferences({ ...own, epoch: '1', downtimeSeconds: 9 }, plan)).toEqual([]);
  });

  test('holds no keyed hash of a secret, which would say nothing in another process', async () => {
    const { plan, group, maker } = await written();
    expect(planFileText(plan, maker, group)).not.toMatch(/\{secret:[0-9a-f]{16}\}/);
  });
});
