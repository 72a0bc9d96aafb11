import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { willNotStartRules } from '../../src/audit/rules/will-not-start/index.js';
import { ownAddress } from '../live/own-redis.js';

const tool = resolve('bin/redis-runbook.js');
const fixtures = resolve('test/audit/fixtures');
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'runbook-audit-starts-'));
  chmodSync(home, 0o755);
});
afterAll(() => rmSync(home, { recursive: true }));

interface Line {
  readonly file: string;
  readonly line: number | null;
  readonly rule: string | null;
  readonly outcome: string;
  readonly says: string;
}

interface Audited {
  readonly status: number | null;
  readonly willNotStart: readonly {
    readonly rule: string;
    readonly file: string;
    readonly line: number;
    readonly server: unknown;
  }[];
  readonly notChecked: readonly { readonly class: string; readonly rule: string }[];
  readonly confirmations: readonly {
    readonly node: string;
    readonly outcome: string;
    readonly by: string | null;
    readonly says: string;
    readonly lines: readonly Line[];
  }[];
}

function run(...argv: readonly string[]) {
  const env = { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, TMPDIR: tmpdir() };
  return spawnSync(process.execPath, [tool, ...argv], { cwd: home, env, encoding: 'utf8', timeout: 90_000 });
}

function audit(...argv: readonly string[]): Audited {
  const { status, stdout, stderr } = run('audit', '--json', ...argv);
  expect(stderr).toBe('');
  const found = JSON.parse(stdout) as Audited & { readonly findings: readonly { class: string }[] };
  const willNotStart = found.findings.filter((one) => one.class === 'will-not-start') as never;
  return { ...found, status, willNotStart };
}

function put(path: string, text: string): string {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
  return path;
}

it("nothing is found in the lab's files, before and after the cascade and its failovers, and a server starts them", () => {
  const lab = join(home, 'lab');
  const configs = () =>
    readdirSync(lab, { recursive: true, encoding: 'utf8' }).filter((name) => /(?:redis|sentinel)\.conf$/.test(name));
  try {
    expect(run('lab', 'up', '--dir', lab).status).toBe(0);
    const before = new Map(configs().map((name) => [name, readFileSync(join(lab, name), 'utf8')]));
    expect(before.size).toBeGreaterThanOrEqual(8);
    const live = audit('--fleet', join(lab, 'fleet.yaml'));
    expect(live.willNotStart).toEqual([]);
    // A lab has no service manager.
    const unchecked = live.notChecked.filter((one) => one.class === 'will-not-start').map(({ rule }) => rule);
    expect(unchecked.filter((rule) => rule !== 'systemd-daemonize-mismatch')).toEqual([]);

    expect(run('lab', 'break', 'cascade', '--dir', lab).status).toBe(0);
    const rewritten = configs().filter((name) => readFileSync(join(lab, name), 'utf8') !== before.get(name));
    expect(rewritten.length).toBeGreaterThan(4);
    for (const name of configs()) put(`files/${name}`, readFileSync(join(lab, name), 'utf8'));
  } finally {
    run('lab', 'down', '--dir', lab);
  }
  const offline = audit('files', '--confirm');
  expect(offline.willNotStart).toEqual([]);
  expect(offline.confirmations.length).toBeGreaterThanOrEqual(8);
  for (const one of offline.confirmations) {
    expect(one).toMatchObject({ outcome: 'agrees', by: 'redis-7.0.15', says: 'a copy of its files starts', lines: [] });
  }
});

describe('--confirm', () => {
  /** What a copy in an empty directory without a port cannot show, what other hosts decide, what another version refuses. */
  const notHere = new Set([
    'tls-incomplete',
    'listen-nowhere',
    'acl-file-and-inline-users',
    'replicaof-in-cluster-mode',
    'bind-address-not-on-host',
    'directive-not-in-version',
    'sentinel-monitor-not-first',
    'sentinel-hostname-needs-resolve',
    'include-missing',
    'include-loop',
    'bind-copied-from-peer',
    'port-conflict',
    'sentinel-config-not-writable',
    'systemd-daemonize-mismatch',
  ]);

  it.each(willNotStartRules.map(({ id }) => id))(
    '%s: the server refuses every line that the audit does, and takes the near miss',
    (rule) => {
      const { confirmations, willNotStart } = audit(join(fixtures, rule), '--confirm', '--target', 'redis-7.0');
      for (const one of confirmations) expect(one.outcome, one.says).toBe('agrees');
      if (notHere.has(rule)) return;
      const lines = confirmations.flatMap((one) => one.lines);
      const named = (
        all: readonly { readonly file: string; readonly line: number | null; readonly rule: string | null }[],
      ) => all.map((one) => `${one.file}:${one.line} ${one.rule}`).sort();
      expect(named(lines)).toEqual(named(willNotStart.filter((one) => one.server !== null)));
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.filter((one) => one.outcome !== 'confirmed' || !one.file.includes('/fails/'))).toEqual([]);
    },
  );

  it('says that it did not ask a server of another version, or none for files that it cannot read', () => {
    put('one/r1/redis.conf', 'maxmemory 2 gb\n');
    const [other] = audit('one', '--confirm', '--target', 'valkey-8.1').confirmations;
    expect(other).toMatchObject({ outcome: 'not-tried', by: null, lines: [] });
    expect(other?.says).toBe('this machine has Redis 7.0.15, and Valkey 8.1 is needed');
    expect(audit('one').confirmations).toEqual([]);
  });

  it('tells a line on which the two differ', () => {
    put('differs/r1/redis.conf', 'bind 10.0.0.1\nrequirepass 9f8e7d6c5b4a39281706\nuser a on (~a (~b +get)\n');
    const [first] = audit('differs', '--confirm').confirmations;
    expect(first?.outcome).toBe('differs');
    expect(first?.lines[0]).toMatchObject({ line: 3, rule: 'acl-rule-invalid', outcome: 'differs' });
    expect(run('audit', 'differs', '--confirm').stdout).toContain('DIFFERS');
  });

  it('tells what only the server refuses, and makes the status 1', () => {
    // More databases than the memory of a trial holds; no line is wrong.
    put(
      'beyond/r1/redis.conf',
      'bind 10.0.0.1\nrequirepass 9f8e7d6c5b4a39281706\nmaxmemory 1gb\ndatabases 2000000000\n',
    );
    expect(audit('beyond').status).toBe(0);
    const found = audit('beyond', '--confirm');
    expect(found.status).toBe(1);
    expect(found.willNotStart).toEqual([]);
    expect(found.confirmations[0]).toMatchObject({ outcome: 'differs', lines: [{ rule: null, outcome: 'differs' }] });
  });
});

describe('a hostile config that is tried', () => {
  const address = ownAddress();
  const reached: string[] = [];
  let server: Server;
  let port = 0;

  beforeAll(async () => {
    server = createServer((socket) => {
      reached.push('a connection');
      socket.destroy();
    });
    await new Promise<void>((done) => server.listen(0, address, done));
    const at = server.address();
    port = typeof at === 'object' && at !== null ? at.port : 0;
  });
  afterAll(() => new Promise((done) => server.close(done)));

  function hostile(): readonly string[] {
    const canaries = join(home, 'canaries');
    mkdirSync(canaries, { recursive: true });
    chmodSync(canaries, 0o777);
    put('canaries/script.sh', `#!/bin/sh\ntouch ${canaries}/ran\n`);
    chmodSync(join(canaries, 'script.sh'), 0o755);
    put('canaries/secret.conf', 'requirepass canary-secret-word\nbogus canary-secret-word\n');
    return [
      `dir ${canaries}`,
      `logfile ${canaries}/log`,
      `pidfile ${canaries}/pid`,
      `unixsocket ${canaries}/socket`,
      `aclfile ${canaries}/users.acl`,
      `loadmodule ${canaries}/module.so`,
      `include ${canaries}/secret.conf`,
      `include ${canaries}/*.conf`,
      `tls-cert-file ${canaries}/cert`,
      `tls-port ${port + 1}`,
      `port ${port}`,
      `bind ${address}`,
      'daemonize yes',
      'supervised systemd',
      'cluster-enabled yes',
      `cluster-config-file ${canaries}/nodes.conf`,
      'appendonly yes',
      'save 1 1',
      'syslog-enabled yes',
      'oom-score-adj yes',
      'databases 2000000000',
      `replicaof ${address} ${port}`,
    ];
  }

  it('reaches nothing, writes nothing, listens nowhere, whatever it names', () => {
    const lines = hostile();
    put('hostile/r1/redis.conf', `# ${join(home, 'hostile')}\n${lines.join('\n')}\nmaxmemory 2 gb\n`);
    const script = join(home, 'canaries/script.sh');
    put(
      'hostile/s1/sentinel.conf',
      [
        `port ${port}`,
        `dir ${join(home, 'canaries')}`,
        `sentinel monitor m ${address} ${port} 1`,
        'sentinel down-after-milliseconds m 1',
        `sentinel notification-script m ${script}`,
        `sentinel client-reconfig-script m ${script}`,
        'sentinel bogus',
      ].join('\n'),
    );
    const before = statSync(join(home, 'hostile/s1/sentinel.conf')).mtimeMs;
    const { stdout } = run('audit', 'hostile', '--confirm', '--json');
    expect(stdout).toContain('confirmed');
    expect(stdout).not.toContain('canary-secret-word');
    expect(readdirSync(join(home, 'canaries')).sort()).toEqual(['script.sh', 'secret.conf']);
    expect(reached).toEqual([]);
    expect(statSync(join(home, 'hostile/s1/sentinel.conf')).mtimeMs).toBe(before);
    expect(trialsThatHold(join(home, 'hostile'))).toEqual([]);
  });

  /** Directories of trials that were left, by what stands in them: others may be at work on this machine. */
  function trialsThatHold(text: string): readonly string[] {
    return ['/run', tmpdir()]
      .flatMap((place) => readdirSync(place).map((name) => join(place, name)))
      .filter((path) => path.includes('/redis-runbook-trial.'))
      .filter((path) => spawnSync('grep', ['-rqs', text, path]).status === 0);
  }

  it('opens none of the files that it names', async () => {
    const names = [
      'include',
      'aclfile',
      'loadmodule',
      'tls-cert-file',
      'tls-key-file',
      'tls-ca-cert-file',
      'tls-dh-params-file',
    ];
    mkdirSync(join(home, 'pipes'));
    // Whoever writes into a pipe waits until somebody opens it for reading.
    const waiting = names.map((name) => {
      const pipe = join(home, 'pipes', name);
      spawnSync('mkfifo', ['-m', '666', pipe]);
      return { name, writer: spawn('sh', ['-c', 'exec 3> "$1"', 'sh', pipe], { stdio: 'ignore' }) };
    });
    try {
      const lines = names.map((name) => `${name} ${join(home, 'pipes', name)}`);
      put('piped/r1/redis.conf', `bind ${address}\n${lines.join('\n')}\ntls-port 6380\n`);
      const [tried] = audit('piped', '--confirm').confirmations;
      expect(tried).toMatchObject({ outcome: 'agrees', by: 'redis-7.0.15' });
      expect(waiting.filter(({ writer }) => writer.exitCode !== null).map(({ name }) => name)).toEqual([]);
      const [opened] = waiting;
      if (opened === undefined) throw new Error('no pipe');
      spawnSync('dd', [`if=${join(home, 'pipes', opened.name)}`, 'of=/dev/null', 'count=1'], { timeout: 5000 });
      await ended(opened.writer);
    } finally {
      for (const { writer } of waiting) writer.kill('SIGKILL');
    }
  });
});

/** The canary works: a pipe that is opened ends its writer. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => (child.exitCode === null ? child.once('exit', () => done()) : done()));
}
