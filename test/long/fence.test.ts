import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { defaultLimits } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Plan } from '../../src/model/plan.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { surveyFleet } from '../../src/survey/survey.js';
import { type Bench, benchUp, runPlan } from '../live/execute-lab.js';
import { askRedis, askSentinel, seen } from '../live/path-lab.js';
import { planOf } from '../scenarios/fixtures.js';

const never = new AbortController().signal;

/** The plan that gives the master to `promote`, from what the fleet says now. */
async function livePlan({ inventory, lab }: Bench, promote: string): Promise<Plan> {
  const hosts = inventory.hosts.map((entry) => openLocalHost(entry));
  const request = { groups: inventory.groups, passwords: new Map(), limits: defaultLimits };
  const { survey, raw } = await surveyFleet(inventory, hosts, request, () => new Date(), never);
  const group = survey.groups[lab.group];
  if (!group) throw new Error('no group');
  const diagnosis = diagnose(survey, lab.group);
  const decision = decide(diagnosis, { ...noChoice, promote }, 'live');
  return planOf({ inventory, raws: raw, survey, group, diagnosis }, decision, 'recover-live');
}

/** What the sentinels have logged that is about a master: its death, attempts to replace it, and another one. */
function alarms(lab: Lab): readonly string[] {
  const logs = lab.hosts.map(({ directory }) => readFileSync(join(directory, 'log', 'sentinel.log'), 'utf8'));
  const lines = logs.flatMap((text) => text.split('\n'));
  return lines.filter((line) => /\+sdown master|\+odown|\+try-failover|\+switch-master/.test(line));
}

/** Timers as a real fleet has them: a fast one hides what a pause breaks. */
test('a pause of writes makes running sentinels replace the master; one that a recovery holds for as long does not', async () => {
  const bench = await benchUp({ defaultTimings: true, sentinels: 3, seed: 91 });
  const { lab } = bench;
  try {
    await lab.write({ count: 40 });
    const plan = await livePlan(bench, 'pv2');
    const heldMs = 12_000;
    const { result } = await runPlan(bench, plan, {
      step: async (action) => {
        if (action.kind === 'fence.lift') await sleep(heldMs);
        return 'go';
      },
    });
    expect(result.stoppedWhy).toBeUndefined();
    expect(result.outcome).toBe('done');
    await sleep(4000);
    expect(alarms(lab)).toEqual([]);
    expect(await lab.master()).toBe('pv2');
    for (const { name } of lab.hosts) {
      const row = (await askSentinel(lab, name, 'SENTINEL', 'MASTER', lab.group)) as readonly string[];
      expect(row[row.indexOf('config-epoch') + 1]).toBe(String(plan.epoch));
    }

    // The same pause under running sentinels, so that the silence above means something.
    const paused = (async () => {
      for (let passed = 0; passed < heldMs && alarms(lab).length === 0; passed += 1000) {
        await askRedis(lab, 'pv2', 'CLIENT', 'PAUSE', '5000', 'WRITE');
        await sleep(1000);
      }
    })();
    await seen('a sentinel that calls the paused master dead', () => alarms(lab).length > 0, 2 * heldMs);
    await paused;
  } finally {
    await bench.end();
  }
});
