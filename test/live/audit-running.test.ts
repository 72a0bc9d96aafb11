import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ownLab } from './own-lab.js';
import { rawCommand, waitFor } from './own-redis.js';

const lab = ownLab();

interface Found {
  readonly findings: readonly { rule: string; class: string; severity: string; node: string | null; message: string }[];
}

/** What the audit finds in the class that running nodes and their files disagree about, as `rule node severity`. */
function found(): readonly string[] {
  const { stdout } = lab.run('audit', '--json', '--fleet', lab.path('fleet.yaml'));
  const { findings } = JSON.parse(stdout) as Found;
  return findings
    .filter((one) => one.class === 'data-loss' || one.rule === 'file-vs-running')
    .filter(({ severity }) => severity !== 'info')
    .map(({ rule, node, severity }) => `${rule} ${node} ${severity}`);
}

/** Sends commands to a node of the lab and gives its answers. */
function ask(node: string, ...commands: readonly string[][]): Promise<string> {
  return rawCommand(
    lab.word(node, 'bind'),
    Number(lab.word(node, 'port')),
    ['AUTH', lab.word(node, 'requirepass')],
    ...commands,
  );
}

it('finds what was changed in running nodes and not in their files, each on its node', async () => {
  expect(found()).toEqual([]);
  await ask('pv2', ['CONFIG', 'SET', 'appendonly', 'yes'], ['CONFIG', 'SET', 'maxmemory', '100mb']);
  await ask('pv2', ['CONFIG', 'SET', 'save', '800 1']);
  rmSync(lab.path('pv3/data'), { recursive: true });
  await ask('pv3', ['BGSAVE']);
  await waitFor('the snapshot to fail', async () =>
    /rdb_last_bgsave_status:err/.test(await ask('pv3', ['INFO', 'persistence'])) ? true : undefined,
  );
  // A sentinel would turn a role back and rewrite the file with it; a file is nobody's but ours.
  const file = lab.path('pv2/redis.conf');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^replicaof .*$/m, ''));
  expect(found()).toEqual([
    'bgsave-failing pv3 error',
    'role-file-vs-running pv2 error',
    'aof-off-in-file-only pv2 warning',
    'file-vs-running pv2 warning',
    'file-vs-running pv2 warning',
  ]);
});
