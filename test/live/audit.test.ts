import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const tool = resolve('bin/redis-runbook.js');
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'runbook-audit-test-'));
});
afterAll(() => rmSync(home, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function audit(argv: readonly string[], input: string | Uint8Array = ''): Promise<Ended> {
  const child = spawn(process.execPath, [tool, 'audit', ...argv], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home },
  });
  child.stdin.on('error', () => undefined).end(input);
  return ended(child);
}

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((done) =>
    child.once('close', (status) => {
      clearTimeout(timer);
      done({ status, stdout, stderr });
    }),
  );
}

function put(path: string, text: string | Uint8Array): string {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
  return path;
}

interface Document {
  readonly schema: string;
  readonly fleet: string;
  readonly target: string;
  readonly findings: readonly {
    rule: string;
    file: string | null;
    line: number | null;
    message: string;
    waived: unknown;
  }[];
  readonly notChecked: readonly { rule: string; why: string; detail: string; of: readonly string[] }[];
  readonly summary: {
    readonly passed: number;
    readonly unreached: readonly string[];
    readonly inBaseline: number;
    notes: readonly string[];
  };
}

async function json(
  ...argv: readonly string[]
): Promise<Document & { readonly status: number | null; readonly text: string }> {
  const { status, stdout, stderr } = await audit([...argv, '--json']);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as Document), status, text: stdout };
}

const rules = (document: Document) => document.findings.map(({ rule }) => rule);
const good =
  'bind 10.0.10.1\nmaxmemory 1gb\nsave 900 1\nrequirepass 9f8e7d6c5b4a39281706\nmasterauth 9f8e7d6c5b4a39281706\nlatency-monitor-threshold 100\nuser app on >9f8e7d6c5b4a39281706 ~app:* +@all -@dangerous\n';

describe('what is given', () => {
  it('may be a file, a directory, an archive or stdin: the same findings, files named as given', async () => {
    put('same/r1/redis.conf', good.replace('maxmemory 1gb\n', 'maxmemory 0\n'));
    spawnSync('tar', ['-C', home, '-czf', join(home, 'same.tgz'), 'same']);
    spawnSync('tar', ['-C', home, '-cf', join(home, 'same.tar'), 'same']);
    for (const [path, shown] of [
      ['same', 'same/r1/redis.conf'],
      ['same/r1/redis.conf', 'same/r1/redis.conf'],
      ['same.tgz', 'same.tgz:same/r1/redis.conf'],
      ['same.tar', 'same.tar:same/r1/redis.conf'],
    ] as const) {
      const found = await json(path);
      expect(found.findings).toMatchObject([{ rule: 'maxmemory-unset', file: shown, line: 2 }]);
      expect(found.status).toBe(0);
    }
    const { stdout } = await audit(['-', '--json'], 'maxmemory 0\n');
    expect(rules(JSON.parse(stdout) as Document)).toContain('maxmemory-unset');
  });

  it('is parted into fleets by what the files say of each other', async () => {
    for (const [shop, net] of [
      ['a', '10.1.0'],
      ['b', '10.2.0'],
    ] as const) {
      put(`two/${shop}/r1/redis.conf`, `bind ${net}.1\nmaxmemory 1gb\n`);
      put(`two/${shop}/r2/redis.conf`, `bind ${net}.2\nmaxmemory 1gb\nreplicaof ${net}.1 6379\n`);
      put(`two/${shop}/s1/sentinel.conf`, `sentinel monitor mymaster ${net}.1 6379 1\n`);
    }
    const found = await json('two');
    expect(found.fleet).toBe('mymaster, mymaster');
    expect(rules(found)).not.toContain('sentinel-quorum-above-count');
  });

  it('is the declared fleet with --fleet, and a declared node without a file is not checked', async () => {
    put(
      'fleet.yaml',
      'name: shop\ngroup: shop\nhosts:\n  r1: { address: 10.0.10.1, runs: [redis] }\n  r2: { address: 10.0.10.2, runs: [redis, sentinel] }\n',
    );
    put('declared/r1/redis.conf', good);
    const found = await json('--fleet', 'fleet.yaml', 'declared');
    expect(found.fleet).toBe('shop');
    expect(found.status).toBe(4);
    expect(found.summary.unreached).toEqual(['r2']);
    expect(found.notChecked).toContainEqual(expect.objectContaining({ rule: 'requirepass-differs', why: 'not-asked' }));
  });

  it('follows includes among the files that were given, and nothing else', async () => {
    put('included/r1/redis.conf', `${good}include /etc/redis/local.conf\n`);
    put('included/r1/local.conf', 'maxmemory 0\n');
    expect((await json('included')).findings).toContainEqual(
      expect.objectContaining({ rule: 'maxmemory-unset', file: 'included/r1/local.conf', line: 1 }),
    );
    const alone = await json('included/r1/redis.conf');
    expect(rules(alone)).toEqual([]);
    expect(alone.notChecked).toContainEqual(expect.objectContaining({ rule: 'maxmemory-unset', why: 'not-asked' }));
    expect((await audit(['included/r1/redis.conf', '--strict'])).status).toBe(4);
  });
});

describe('hostile files', () => {
  it('neither crash nor hang it, and put nothing raw on the terminal', async () => {
    const files: Record<string, string | Uint8Array> = {
      'long.conf': `maxmemory 0\nrequirepass ${'x'.repeat(10_000_000)}\n`,
      'long-comment.conf': `maxmemory 0\n# ${'requirepass '.repeat(800_000)}\n`,
      'nul.conf': 'maxmemory 0\nbind 10.0.0.1\0\0evil\n\0\n',
      'utf8.conf': Buffer.from([...Buffer.from('maxmemory 0\nbind '), 0xff, 0xfe, 0xc0, 0x0a]),
      'escape.conf': 'maxmemory 0\nbind 10.0.0.1 \x1b[2J\x1b]0;owned\x07\n\x1b[31mport 1\ndir /a\ndir \x1b[2J\n',
      'loop.conf': 'maxmemory 0\ninclude loop.conf\ninclude ./loop.conf\ninclude other.conf\n',
      'quotes.conf': `maxmemory 0\n${'"\n'.repeat(50_000)}`,
    };
    for (const [name, text] of Object.entries(files)) put(`hostile/${name}/${name}`, text);
    put('hostile/loop.conf/other.conf', 'include loop.conf\n');
    for (const format of ['table', 'json', 'markdown']) {
      const { status, stdout, stderr } = await audit(['hostile', '--format', format, '-v']);
      expect([0, 1, 4]).toContain(status);
      expect(stdout + stderr).not.toMatch(/[^\x20-\x7e\n]/);
      expect(stdout).toContain('maxmemory-unset');
      expect(stdout).not.toContain('xxxxxxxx');
    }
  });

  it('are not waited for, not followed outside, and said where they cannot be read', async () => {
    put('odd/r1/redis.conf', good);
    put('outside/secret.conf', 'maxmemory 0\nrequirepass outside-canary\n');
    spawnSync('mkfifo', [join(home, 'odd/r1/pipe.conf')]);
    symlinkSync(join(home, 'outside/secret.conf'), join(home, 'odd/r1/link.conf'));
    symlinkSync(join(home, 'odd'), join(home, 'odd/r1/again'));
    const found = await json('odd');
    expect(rules(found)).toEqual([]);
    expect(found.text).not.toContain('canary');
    const pipe = await audit(['odd/r1/pipe.conf']);
    expect(pipe.status).toBe(4);
  });

  it('include paths outside of what was given are not read', async () => {
    put(
      'reach/r1/redis.conf',
      `bind 10.0.0.1\ninclude ../../outside/secret.conf\ninclude ${join(home, 'outside')}/*.conf\ninclude /etc/passwd\n`,
    );
    const found = await json('reach');
    expect(found.text).not.toContain('canary');
    expect(found.text).not.toContain('root:');
    expect(found.notChecked).toContainEqual(expect.objectContaining({ rule: 'maxmemory-unset', why: 'not-asked' }));
    expect(rules(found)).not.toContain('maxmemory-unset');
  });

  it('in archives are bounded: bombs, links, devices, names that climb', async () => {
    put('bomb.conf.gz', gzipSync(Buffer.alloc(400 * 1024 * 1024)));
    expect((await json('bomb.conf.gz')).status).toBe(4);
    put('climb/r1/redis.conf', 'maxmemory 0\n');
    symlinkSync('/etc/passwd', join(home, 'climb/r1/link.conf'));
    spawnSync('tar', [
      '-C',
      join(home, 'climb'),
      '-cPf',
      join(home, 'climb.tar'),
      '--transform',
      's,^,../../../,',
      'r1',
    ]);
    const found = await json('climb.tar');
    expect(found.findings.map(({ file }) => file)).toContain('climb.tar:../../../r1/redis.conf');
    expect(found.text).not.toContain('root:');
    put('torn.tgz', gzipSync(Buffer.from('x'.repeat(10_000))).subarray(0, 20));
    expect((await json('torn.tgz')).status).toBe(4);
  });
});

describe('policy, baseline and status', () => {
  const bad = 'bind 0.0.0.0\nmaxmemory 0\nsave 900 1\nprotected-mode no\nlatency-monitor-threshold 100\n';

  it('--fail-on says which findings make it 1', async () => {
    put('warn/r1/redis.conf', good.replace('maxmemory 1gb', 'maxmemory 0'));
    expect((await audit(['warn'])).status).toBe(0);
    expect((await audit(['warn', '--fail-on', 'warning'])).status).toBe(1);
  });

  it('a waiver hides nothing: it stays visible, ends, and is told when it matches nothing', async () => {
    put('waived/r1/redis.conf', bad);
    const policy = (until: string) =>
      put(
        'policy.yaml',
        `waivers:\n  - { rule: no-password-exposed, host: r1, reason: closed network, until: ${until} }\n`,
      );
    policy('2999-01-31');
    const waived = await json('waived', '--policy', 'policy.yaml');
    expect(waived.findings.find(({ rule }) => rule === 'no-password-exposed')?.waived).toEqual({
      reason: 'closed network',
      until: '2999-01-31',
    });
    expect(waived.status).toBe(0);
    expect((await audit(['waived', '--policy', 'policy.yaml'])).stdout).toContain('closed network');
    policy('2020-01-31');
    const over = await json('waived', '--policy', 'policy.yaml');
    expect(over.status).toBe(1);
    expect(over.summary.notes.join()).toContain('ended on 2020-01-31');
  });

  it('a policy with a mistake is refused with its place', async () => {
    put('waived/r1/redis.conf', bad);
    put('wrong.yaml', 'waivers:\n  - rule: no-pasword-exposed\n    reason: x\n    until: 2999-01-31\n');
    const { status, stderr } = await audit(['waived', '--policy', 'wrong.yaml']);
    expect(status).toBe(2);
    expect(stderr).toContain('wrong.yaml:2:11');
    expect(stderr).toContain('did you mean no-password-exposed');
    put('eternal.yaml', 'waivers:\n  - { rule: no-password-exposed, reason: x }\n');
    expect((await audit(['waived', '--policy', 'eternal.yaml'])).status).toBe(2);
  });

  it('a baseline hides exactly what it holds, one for one', async () => {
    put('base/r1/redis.conf', bad);
    const first = await json('base');
    put('known.json', first.text);
    const same = await json('base', '--baseline', 'known.json');
    expect(same.findings).toEqual([]);
    expect(same.summary.inBaseline).toBe(first.findings.length);
    put('base/r2/redis.conf', bad);
    expect(rules(first)).toContain('no-password-exposed');
    expect(rules(await json('base', '--baseline', 'known.json'))).toEqual(rules(first));
  });

  it('no secret is printed in any format', async () => {
    put('hush/r1/redis.conf', 'bind 10.0.0.1\nrequirepass hush-hush-1\n# requirepass old-hush-2\n');
    put(
      'hush/r2/redis.conf',
      'bind 10.0.0.2\nrequirepass hush-hush-3\nreplicaof 10.0.0.1 6379\nrequirepass two words-hush\n',
    );
    put('hush/s1/sentinel.conf', 'sentinel monitor shop 10.0.0.1 6379 1\nsentinel auth-pass shop hush-hush-4\n');
    for (const format of ['table', 'json', 'markdown']) {
      const { stdout } = await audit(['hush', '--format', format, '-v']);
      expect(stdout).toContain('requirepass-differs');
      expect(stdout).not.toContain('hush-');
      expect(stdout).not.toContain('-hush');
    }
  });

  it('an unknown version and a PATH that does not exist are usage errors', async () => {
    expect((await audit(['warn', '--target', 'redis-seven'])).status).toBe(2);
    expect((await audit(['nowhere'])).status).toBe(2);
  });

  it('a file that may not be read is not checked, and never read as well', async () => {
    put('closed/r1/redis.conf', good);
    put('closed/r2/redis.conf', good);
    chmodSync(join(home, 'closed/r2/redis.conf'), 0);
    const uid = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups', '--'] : [];
    chmodSync(home, 0o755);
    const [program = process.execPath, ...rest] = [...uid, process.execPath, tool, 'audit', 'closed', '--json'];
    const { status, stdout } = await ended(
      spawn(program, rest, { cwd: home, env: { PATH: process.env.PATH, HOME: home } }),
    );
    const found = JSON.parse(stdout) as Document;
    expect(status).toBe(4);
    expect(found.summary.unreached).toEqual(['closed/r2/redis.conf']);
    expect(found.notChecked).toContainEqual(expect.objectContaining({ why: 'denied' }));
  });
});
