import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const tool = resolve('bin/redis-runbook.js');
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'runbook-audit-lab-'));
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
  readonly findings: readonly { rule: string; severity: string; node: string | null; line: number | null }[];
  readonly notChecked: readonly { rule: string; why: string; detail: string; of: readonly string[] }[];
}

function audit(): Found & { readonly status: number | null } {
  const { status, stdout } = run(
    'audit',
    '--json',
    '--profile',
    'single-host-lab',
    '--fleet',
    join(home, 'lab/fleet.yaml'),
  );
  return { ...(JSON.parse(stdout) as Found), status };
}

function edit(file: string, change: (text: string) => string): void {
  const path = join(home, 'lab', file);
  const text = readFileSync(path, 'utf8');
  expect(change(text)).not.toBe(text);
  writeFileSync(path, change(text));
}

const errors = ({ findings }: Found) =>
  findings.filter(({ severity }) => severity === 'error').map(({ rule, node }) => `${rule} ${node}`);

it('finds the faults that were planted in a live fleet and no other error, before and after it is down', () => {
  const healthy = audit();
  expect(errors(healthy)).toEqual([]);
  expect(healthy.status).toBe(0);

  edit('pv2/redis.conf', (text) => text.replace('appendonly no', 'appendonly yes'));
  edit('pv1/redis.conf', (text) => text.replace(/^masterauth .*$/m, '# no masterauth'));
  edit('pv3/redis.conf', (text) => text.replace(/^requirepass .*$/m, 'requirepass another-password-of-this-node'));
  const authPass = readFileSync(join(home, 'lab/pvha1/sentinel.conf'), 'utf8').match(/^sentinel auth-pass .*$/m)?.[0];
  edit('pvha1/sentinel.conf', (text) => text.replace(/^sentinel auth-pass .*$/m, '# no auth-pass'));
  edit('pvha2/sentinel.conf', (text) => text.replace(/( 6379) 2$/m, '$1 9'));
  const planted = audit();
  edit('pvha1/sentinel.conf', (text) => text.replace('# no auth-pass', authPass ?? ''));
  edit('pvha2/sentinel.conf', (text) => text.replace(/( 6379) 9$/m, '$1 2'));
  expect(errors(planted)).toEqual([
    'aof-on-in-file-only pv2',
    'masterauth-missing-on-master pv1',
    'requirepass-differs pv1',
    'sentinel-auth-pass-missing pvha1/sentinel',
    'sentinel-quorum-above-count pvha2/sentinel',
  ]);
  expect(planted.status).toBe(1);

  edit('pv3/redis.conf', (text) =>
    text.replace(
      /^requirepass .*$/m,
      readFileSync(join(home, 'lab/pv1/redis.conf'), 'utf8').match(/^requirepass .*$/m)?.[0] ?? '',
    ),
  );
  const config = join(home, 'lab', 'pv2/redis.conf');
  expect(run('lab', 'break', 'all-down', '--stop', 'clean', '--dir', join(home, 'lab')).status).toBe(0);
  const down = audit();
  expect(errors(down)).toEqual(['masterauth-missing-on-master pv1']);
  expect(down.notChecked).toContainEqual(
    expect.objectContaining({ rule: 'aof-on-in-file-only', why: 'absent', of: ['pv2'] }),
  );
  expect(readFileSync(config, 'utf8')).toContain('appendonly yes');

  const { stdout } = run('recover', '--dry-run', '--fleet', join(home, 'lab/fleet.yaml'));
  expect(stdout).toContain('masterauth-missing-on-master');
});
