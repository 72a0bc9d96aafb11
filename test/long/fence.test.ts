import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { defaultLimits } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Plan } from '../../src/model/plan.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { surveyFleet } from '../../src/survey/survey.js';
import { type Bench, benchUp, runPlan } from '../live/execute-lab.js';
import { askRedis, askSentinel, infoOf, seen } from '../live/path-lab.js';
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

/** What a fence is tried against: how long the sentinels of a fleet wait, and how long writes are paused. */
interface Waiting {
  readonly says: string;
  readonly seed: number;
  /** What `SENTINEL SET` gives them; left out: what a lab with default timings has, two seconds. */
  readonly set?: Readonly<Record<string, string>>;
  readonly heldMs: number;
  /**
   * Whether the same pause under running sentinels makes them call the master dead. Those that wait for thirty seconds make a
   * new link after fifteen (sentinel.c:sentinelCheckSubjectivelyDown), and are answered on it.
   */
  readonly alarmed: boolean;
}

const waits: readonly Waiting[] = [
  { says: 'two seconds', seed: 91, heldMs: 12_000, alarmed: true },
  {
    says: 'thirty seconds, as Sentinel does where nothing is said',
    seed: 92,
    set: { 'down-after-milliseconds': '30000', 'failover-timeout': '180000' },
    heldMs: 45_000,
    alarmed: false,
  },
];

/** Timers as a real fleet has them: a fast one hides what a pause breaks. */
describe.each(waits)('sentinels that wait for $says', ({ seed, set = {}, heldMs, alarmed }) => {
  test('see nothing of a pause of writes that a recovery holds', async () => {
    const bench = await benchUp({ defaultTimings: true, sentinels: 3, seed });
    const { lab } = bench;
    try {
      for (const { name } of lab.hosts)
        for (const [option, value] of Object.entries(set))
          await askSentinel(lab, name, 'SENTINEL', 'SET', lab.group, option, value);
      await lab.write({ count: 40 });
      await seen('replicas that have the writes', async () =>
        (await infoOf(lab, 'db0', 'pv2', 'pv3')).every((keys) => keys !== ''),
      );
      const plan = await livePlan(bench, 'pv2');
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
        const said = (option: string) => row[row.indexOf(option) + 1];
        expect(said('config-epoch')).toBe(String(plan.epoch));
        for (const [option, value] of Object.entries(set)) expect(said(option)).toBe(value);
      }
      if (alarmed) await seenToAlarm(lab, heldMs);
    } finally {
      await bench.end();
    }
  });
});

/** The same pause under running sentinels, so that the silence before means something. */
async function seenToAlarm(lab: Lab, heldMs: number): Promise<void> {
  const paused = (async () => {
    for (let passed = 0; passed < heldMs && alarms(lab).length === 0; passed += 1000) {
      await askRedis(lab, 'pv2', 'CLIENT', 'PAUSE', '5000', 'WRITE');
      await sleep(1000);
    }
  })();
  await seen('a sentinel that calls the paused master dead', () => alarms(lab).length > 0, 2 * heldMs);
  await paused;
}
