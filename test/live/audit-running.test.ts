import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rawCommand, waitFor } from './own-redis.js';

const tool = resolve('bin/redis-runbook.js');
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'runbook-audit-running-'));
  expect(run('lab', 'up', '--dir', join(home, 'lab')).status).toBe(0);
});
afterAll(() => {
  run('lab', 'down', '--dir', join(home, 'lab'));
  rmSync(home, { recursive: true });
});

function run(...argv: readonly string[]) {
  const env = { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home };
  return spawnSync(process.execPath, [tool, ...argv], { cwd: home, env, encoding: 'utf8', timeout: 60_000 });
}

interface Found {
  readonly findings: readonly { rule: string; class: string; severity: string; node: string | null; message: string }[];
}

/** What the audit finds in the class that running nodes and their files disagree about, as `rule node severity`. */
function found(): readonly string[] {
  const { stdout } = run('audit', '--json', '--fleet', join(home, 'lab/fleet.yaml'));
  const { findings } = JSON.parse(stdout) as Found;
  return findings
    .filter((one) => one.class === 'data-loss' || one.rule === 'file-vs-running')
    .filter(({ severity }) => severity !== 'info')
    .map(({ rule, node, severity }) => `${rule} ${node} ${severity}`);
}

/** Sends commands to a node of the lab and gives its answers. */
function ask(node: string, ...commands: readonly string[][]): Promise<string> {
  const conf = readFileSync(join(home, 'lab', node, 'redis.conf'), 'utf8');
  const word = (name: string) => conf.match(new RegExp(`^${name} "?([^"\\n ]+)`, 'm'))?.[1] ?? '';
  return rawCommand(word('bind'), Number(word('port')), ['AUTH', word('requirepass')], ...commands);
}

it('finds what was changed in running nodes and not in their files, each on its node', async () => {
  expect(found()).toEqual([]);
  await ask('pv2', ['CONFIG', 'SET', 'appendonly', 'yes'], ['CONFIG', 'SET', 'maxmemory', '100mb']);
  await ask('pv2', ['CONFIG', 'SET', 'save', '800 1']);
  rmSync(join(home, 'lab/pv3/data'), { recursive: true });
  await ask('pv3', ['BGSAVE']);
  await waitFor('the snapshot to fail', async () =>
    /rdb_last_bgsave_status:err/.test(await ask('pv3', ['INFO', 'persistence'])) ? true : undefined,
  );
  // A sentinel would turn a role back and rewrite the file with it; a file is nobody's but ours.
  const file = join(home, 'lab/pv2/redis.conf');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^replicaof .*$/m, ''));
  expect(found()).toEqual([
    'bgsave-failing pv3 error',
    'role-file-vs-running pv2 error',
    'aof-off-in-file-only pv2 warning',
    'file-vs-running pv2 warning',
    'file-vs-running pv2 warning',
  ]);
});
