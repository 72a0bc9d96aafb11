import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { labUp } from '../../src/lab/up.js';
import { journalNow, newestRun } from '../live/cut.js';
import { leftOn } from '../live/dead-fleet.js';
import { waitFor } from '../live/own-redis.js';
import { piped } from '../live/pipes.js';
import { inTerminal } from '../live/terminal.js';

let lab: Lab;
let id: string;
let node: string;

const pathOf = (name: string) => join(lab.directory, node, name);
const textOf = (name: string) => readFileSync(pathOf(name), 'utf8');
const args = () => ['backup', 'restore', id, '--configs', '--repository', join(lab.directory, 'repository')];

beforeAll(async () => {
  lab = await labUp({ seed: 83, ownerPid: process.pid, redis: 2, sentinels: 1, quorum: 1 });
  node = (await waitFor('a master', () => lab.master())) ?? '';
  writeFileSync(pathOf('limits.conf'), 'maxmemory 200mb\nmaxmemory-policy allkeys-lru\n');
  writeFileSync(pathOf('redis.conf'), `${textOf('redis.conf')}hz 50\ninclude ${pathOf('limits.conf')}\n`);
  const repository = join(lab.directory, 'repository');
  const made = await piped(lab, ['backup', 'create', node, '--repository', repository]);
  expect(made.status, made.stderr).toBe(0);
  const name = readdirSync(join(repository, 'lab', lab.group)).find((each) => /^\d{8}T/.test(each));
  id = name?.slice(-4) ?? '';
}, 60_000);
afterAll(() => lab.down({ remove: true }));

/** As after an evening of trying things out. */
function disturbed(): { readonly main: string; readonly limits: string } {
  writeFileSync(pathOf('redis.conf'), textOf('redis.conf').replace('hz 50', 'hz 7'));
  writeFileSync(pathOf('limits.conf'), 'maxmemory 1mb\nmaxmemory-policy noeviction\n');
  return { main: textOf('redis.conf'), limits: textOf('limits.conf') };
}

async function agreed() {
  const terminal = inTerminal(lab, args());
  await terminal.sees('limits.conf on');
  terminal.type('y\r');
  await terminal.sees('redis.conf on');
  terminal.type('y\r');
  return terminal;
}

test('the lines of a redis.conf and of what it includes go back, each file with its own yes', async () => {
  const before = disturbed();
  const shown = await piped(lab, args());
  expect([shown.status, shown.stdout]).toEqual([0, expect.stringContaining('Each file needs its own yes')]);
  expect(shown.stdout).toMatch(/sentinel.conf\n {2}as in the backup/);
  expect([textOf('redis.conf'), textOf('limits.conf')]).toEqual([before.main, before.limits]);

  const terminal = await agreed();
  expect(await terminal.ended(), terminal.screen()).toBe(0);
  expect(textOf('limits.conf')).toBe('maxmemory 200mb\nmaxmemory-policy allkeys-lru\n');
  expect(textOf('redis.conf')).toBe(before.main.replace('hz 7', 'hz 50'));
  expect(leftOn(lab)).toEqual([]);
});

/** The newest run has written a file. */
function hasRewritten(): boolean {
  if (!existsSync(join(newestRun(lab)?.path ?? '', 'journal.jsonl'))) return false;
  return journalNow(lab).lines.some(({ action, phase }) => action.includes('config.rewrite') && phase === 'result');
}

test.each(['resume', 'undo'] as const)('cut off in the middle it can be taken on or back: %s', async (command) => {
  const before = disturbed();
  const last = newestRun(lab)?.run;
  const terminal = await agreed();
  // Few actions follow: looked at as often as this machine can.
  const until = performance.now() + 30_000;
  while (newestRun(lab)?.run === last || !hasRewritten()) {
    if (performance.now() > until) throw new Error('no file was written');
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.kill(terminal.pid(), 'SIGKILL');
  await terminal.ended().catch(() => undefined);
  const output = await piped(lab, [command, '--yes']);
  expect(output.status, output.stdout + output.stderr).toBe(0);
  const limits = command === 'undo' ? before.limits : 'maxmemory 200mb\nmaxmemory-policy allkeys-lru\n';
  const main = command === 'undo' ? before.main : before.main.replace('hz 7', 'hz 50');
  expect([textOf('limits.conf'), textOf('redis.conf')], output.stdout).toEqual([limits, main]);
  expect(leftOn(lab)).toEqual([]);
});
