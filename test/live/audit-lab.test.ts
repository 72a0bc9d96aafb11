import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ownLab } from './own-lab.js';

const lab = ownLab();

interface Found {
  readonly findings: readonly { rule: string; severity: string; node: string | null; line: number | null }[];
  readonly notChecked: readonly { rule: string; why: string; detail: string; of: readonly string[] }[];
}

function audit(): Found & { readonly status: number | null } {
  const flags = ['--json', '--profile', 'single-host-lab', '--fleet', lab.path('fleet.yaml')];
  const { status, stdout } = lab.run('audit', ...flags);
  return { ...(JSON.parse(stdout) as Found), status };
}

function edit(file: string, change: (text: string) => string): void {
  const path = lab.path(file);
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
  const authPass = readFileSync(lab.path('pvha1/sentinel.conf'), 'utf8').match(/^sentinel auth-pass .*$/m)?.[0];
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
      readFileSync(lab.path('pv1/redis.conf'), 'utf8').match(/^requirepass .*$/m)?.[0] ?? '',
    ),
  );
  const config = lab.path('pv2/redis.conf');
  expect(lab.run('lab', 'break', 'all-down', '--stop', 'clean', '--dir', lab.path('.')).status).toBe(0);
  const down = audit();
  expect(errors(down)).toEqual(['masterauth-missing-on-master pv1']);
  expect(down.notChecked).toContainEqual(
    expect.objectContaining({ rule: 'aof-on-in-file-only', why: 'absent', of: ['pv2'] }),
  );
  expect(readFileSync(config, 'utf8')).toContain('appendonly yes');

  const { stdout } = lab.run('recover', '--dry-run', '--fleet', lab.path('fleet.yaml'));
  expect(stdout).toContain('masterauth-missing-on-master');
});
