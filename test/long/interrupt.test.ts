import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseJournal } from '../../src/execute/journal.js';
import type { Lab } from '../../src/lab/lab.js';
import { prngOf } from '../../src/lab/prng.js';
import { type DeadFleet, deadFleet, leftOn } from '../live/dead-fleet.js';
import { argvOf, type Ended, endOf, environmentOf, piped } from '../live/pipes.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 31);
});
afterAll(() => dead.remove());

/** `recover --yes`, told to stop by signals that are sent once `when` says so of what was printed. */
function cutOff(
  lab: Lab,
  when: (stdout: string) => boolean,
  signals: readonly NodeJS.Signals[],
  flags: readonly string[] = [],
): Promise<Ended> {
  const [program = '', ...rest] = argvOf(lab, ['recover', '--yes', ...flags]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: environmentOf(lab) });
  let shown = '';
  const left = [...signals];
  child.stdout.on('data', (chunk) => {
    shown += String(chunk);
    if (!when(shown)) return;
    for (const signal of left.splice(0)) child.kill(signal);
  });
  return endOf(child);
}

function journalOf(lab: Lab) {
  const runs = join(lab.directory, 'operator', 'redis-runbook', 'runs');
  const [first = ''] = readdirSync(runs).sort();
  return parseJournal(readFileSync(join(runs, first, 'journal.jsonl'), 'utf8'));
}

/** Whatever was cut off: the same command goes on from what is true, to the same master, with nothing lost or left. */
async function expectConverges(lab: Lab): Promise<void> {
  const again = await piped(lab, ['recover', '--yes']);
  expect(again.status, again.stdout + again.stderr).toBe(0);
  expect(await lab.master()).toBe(dead.lastWriter);
  const checked = await lab.checkWrites();
  expect({ missing: checked.missing, extra: checked.extra }).toEqual({ missing: [], extra: [] });
  expect(leftOn(lab)).toEqual([]);
  expect(lab.running().filter((one) => !one.child).length).toBe(8);
}

const politely: readonly [NodeJS.Signals, string][] = [
  ['SIGINT', 'redis.conf kept'],
  ['SIGTERM', 'lines added'],
  ['SIGHUP', 'would load'],
  ['SIGINT', 'started as replica'],
];

describe.concurrent('a run that is asked to stop', () => {
  test.each(politely)('by %s after "%s" stops in order and can be gone on with', (signal, text) =>
    dead.withCopy(async (lab) => {
      const ended = await cutOff(lab, (shown) => shown.includes(text), [signal]);
      expect(ended.status, ended.stdout + ended.stderr).toBe(8);
      expect(ended.stdout).toMatch(/Stopped in stage [A-Z]+: asked to stop/);
      expect(ended.stdout).toMatch(/redis-runbook resume \w{4} --fleet \S+\s+goes on from here/);
      expect(ended.lingeredMs).toBeLessThan(2000);
      const journal = journalOf(lab);
      expect(journal.torn).toBeUndefined();
      expect(journal.lines.at(-1)).toMatchObject({ action: 'run', phase: 'result', outcome: 'skipped' });
      await expectConverges(lab);
    }),
  );

  test('twice, while it waits for the sentinels, leaves the wait as unknown', () =>
    dead.withCopy(async (lab) => {
      const ended = await cutOff(lab, (shown) => shown.includes('"prove/'), ['SIGINT', 'SIGTERM'], ['--json']);
      expect([8, 9], ended.stdout + ended.stderr).toContain(ended.status);
      const last = ended.stdout.trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(last)).toMatchObject({ type: 'result', exit: ended.status });
      expect(ended.lingeredMs).toBeLessThan(2000);
      await expectConverges(lab);
    }));
});

/** Events of a whole run of this fleet, about; the moments are spread over all of them. */
const EVENTS = 96;
const MOMENTS = 8;
const random = prngOf(Number(process.env.REDIS_RUNBOOK_TEST_SEED ?? 31));
const moments = Array.from({ length: MOMENTS }, (_, i) => Math.floor(((i + random.fraction()) * EVENTS) / MOMENTS) + 1);

describe.concurrent('a run that is killed', () => {
  test.each(moments)('after event %i converges when recover is typed again', (moment) =>
    dead.withCopy(async (lab) => {
      const events = (shown: string) => shown.split('\n').length - 1;
      const ended = await cutOff(lab, (shown) => events(shown) >= moment, ['SIGKILL'], ['--json']);
      expect(ended.status).toBeNull();
      expect(ended.stdout).not.toContain('"type":"result"');
      await expectConverges(lab);
    }),
  );
});
