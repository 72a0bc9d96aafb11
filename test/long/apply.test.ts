import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { type DeadFleet, deadFleet, filesOf } from '../live/dead-fleet.js';
import { runbook } from '../live/recovery.js';
import { inTerminal } from '../live/terminal.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 6);
}, 60_000);
afterAll(() => dead.remove());

it('a plan in a file is made anew and compared: refused when the fleet or the file changed, else carried out', async () => {
  await dead.withCopy(async (lab) => {
    const file = join(lab.directory, 'plan.json');
    expect((await runbook(lab, ['plan', '--out', file])).status).toBe(0);
    const plan = readFileSync(file, 'utf8');
    expect(plan).not.toContain(lab.password);
    const before = filesOf(lab);

    writeFileSync(file, plan.replace(/"\/[^"]*pv1\/redis\.conf"/, '"/etc/passwd"'));
    const forged = await runbook(lab, ['apply', file, '--yes', '--plain']);
    expect([forged.status, forged.stderr]).toEqual([
      3,
      expect.stringMatching(/plan\.stages\[\d\].*\n? *"\/etc\/passwd"/),
    ]);

    writeFileSync(file, plan);
    const config = join(lab.directory, 'pv2', 'redis.conf');
    const text = readFileSync(config);
    appendFileSync(config, 'maxclients 9000\n');
    const moved = await runbook(lab, ['apply', file, '--yes', '--plain']);
    expect([moved.status, moved.stderr]).toEqual([
      5,
      expect.stringContaining('pv2: a line of its config is new: maxclients 9000'),
    ]);
    writeFileSync(config, text);
    expect(filesOf(lab)).toEqual(before);

    const saved = await savedAtTheQuestion(lab);
    const [one, other] = [plan, readFileSync(saved, 'utf8')].map((each) => ({ ...JSON.parse(each), made: undefined }));
    expect(other).toEqual(one);
    const applied = await runbook(lab, ['apply', saved, '--yes', '--plain']);
    expect([applied.status, applied.stderr]).toEqual([0, '']);
    expect(await lab.master()).toBe(dead.lastWriter);
    const again = await runbook(lab, ['apply', file, '--yes', '--plain']);
    expect([again.status, again.stderr]).toEqual([5, expect.stringContaining('its process was stopped, is running')]);
  });
}, 120_000);

/** A recovery is begun, and its plan saved at the first question instead of an answer. */
async function savedAtTheQuestion(lab: Lab): Promise<string> {
  const terminal = inTerminal(lab, ['recover']);
  await terminal.sees('s  save the plan and stop');
  terminal.type('s\r');
  await terminal.sees('carries it out');
  expect(await terminal.ended()).toBe(7);
  return join(lab.directory, `redis-runbook-plan-${lab.group}.json`);
}
