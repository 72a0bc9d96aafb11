import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { type DeadFleet, deadFleet, leftOn } from '../live/dead-fleet.js';
import { argvOf, type Ended, endOf, environmentOf, piped } from '../live/pipes.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 41);
});
afterAll(() => dead.remove());

const four = ['pv1', 'pv2', 'pv3', 'pvha1'] as const;

function reportOf(lab: Lab): string {
  const runs = join(lab.directory, 'operator', 'redis-runbook', 'runs');
  return readFileSync(join(runs, readdirSync(runs).sort()[0] ?? '', 'report.md'), 'utf8');
}

/** As one line: the screen wraps, the report escapes. */
function flat(text: string): string {
  return text.replaceAll('\\', '').replace(/\s+/g, ' ');
}

/** `recover --yes`, held still when a stage begins while somebody does something behind its back. */
async function behindItsBack(lab: Lab, stage: string, deed: () => Promise<void>): Promise<Ended> {
  const [program = '', ...rest] = argvOf(lab, ['recover', '--yes']);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: environmentOf(lab) });
  const begun = new RegExp(`^${stage} +\\d\\d:\\d\\d:\\d\\d$`, 'm');
  let doing: Promise<void> | undefined;
  let shown = '';
  child.stdout.on('data', (chunk) => {
    shown += String(chunk);
    if (doing !== undefined || !begun.test(shown)) return;
    child.kill('SIGSTOP');
    doing = deed().finally(() => child.kill('SIGCONT'));
  });
  const ended = await endOf(child);
  expect(doing, ended.stdout + ended.stderr).toBeDefined();
  await doing;
  return ended;
}

/** What a colleague does who puts an old file back: the address of the first master, at the epoch of the plan. */
function putBackOldAddress(lab: Lab, name: string): void {
  const config = join(lab.directory, name, 'sentinel.conf');
  const old = lab.hosts.find((host) => host.name === 'pv1')?.address;
  const text = readFileSync(config, 'utf8');
  const line = new RegExp(`^(sentinel monitor ${lab.group}) \\S+`, 'm');
  expect(text).toMatch(line);
  writeFileSync(config, text.replace(line, `$1 ${old}`));
}

/** The limit of the agreement is a minute, and nothing shortens it. */
const LIMIT_MS = 150_000;

describe.concurrent('a recovery claims no success', { timeout: LIMIT_MS }, () => {
  test('when four of five sentinels are gone as soon as they were started', () =>
    dead.withCopy(async (lab) => {
      const ended = await behindItsBack(lab, '7 PROVE', async () => {
        await Promise.all(four.map((host) => lab.kill(host, 'sentinel', 'SIGKILL')));
      });
      expect(ended.status, ended.stdout + ended.stderr).toBe(8);
      const text = flat(ended.stdout);
      expect(text).toContain(`Failed in stage PROVE: all 5 sentinels agree on ${dead.lastWriter}`);
      expect(text).toContain('NOT PROVED: all 5 sentinels agree');
      expect(text).toMatch(/NOT PROVED: [^!]*pv1\/sentinel: [^!]*pv2\/sentinel: /);
      expect(text).not.toContain('serves again');
      expect(flat(reportOf(lab))).toContain('NOT PROVED: all 5 sentinels agree');

      for (const host of four) await lab.start(host, 'sentinel');
      const again = await piped(lab, ['recover', '--yes']);
      expect(again.status, again.stdout + again.stderr).toBe(0);
      expect(leftOn(lab)).toEqual([]);
    }));

  test('when one sentinel starts with the old address', () =>
    dead.withCopy(async (lab) => {
      const ended = await behindItsBack(lab, '6 START', async () => putBackOldAddress(lab, 'pvha2'));
      expect(ended.status, ended.stdout + ended.stderr).toBe(8);
      const text = flat(ended.stdout);
      expect(text).toContain('Failed in stage PROVE: all 5 sentinels agree');
      expect(text).toMatch(/NOT PROVED: all 5 sentinels agree[^!]*pvha2\/sentinel/);
      expect(text).not.toContain('serves again');
      expect((await piped(lab, ['status'])).status).toBe(1);
    }));
});
