import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../src/backup/manifest.js';
import { openRepository } from '../../src/backup/repository/open.js';
import type { BackupRef, Repository } from '../../src/backup/repository/repository.js';
import { newKeyPem, sealCheck, signerOf } from '../../src/backup/sign.js';
import { loadSigner } from '../../src/backup/signer-file.js';
import { bytes, makeBackup, scope } from '../backup/builders.js';

const program = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
let base = '';
let repository: Repository;
const env = () => ({
  XDG_CONFIG_HOME: join(base, 'config'),
  XDG_STATE_HOME: join(base, 'state'),
  PATH: process.env.PATH,
  HOME: base,
  TZ: 'Asia/Seoul',
});
const inside = (ref: BackupRef, path: string) => join(base, 'backups/shop/stn-master', ref.name, path);

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: base,
    env: env(),
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** One backup at so many hours before now, by this user's own key unless said otherwise. */
async function make(hoursAgo: number, more: Parameters<typeof makeBackup>[2] = {}): Promise<BackupRef> {
  const at = new Date(Math.floor(Date.now() / 1000) * 1000 - hoursAgo * 3_600_000).toISOString();
  return makeBackup(repository, at, { by: await loadSigner(env()), ...more });
}

async function fleet(backup: string): Promise<void> {
  const text = `name: shop\ngroup: stn-master\nhosts:\n  pv1: { address: 127.99.1.1, runs: [redis, sentinel] }\nbackup: ${backup}\n`;
  await writeFile(join(base, 'fleet.yaml'), text, { mode: 0o600 });
}

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'redis-runbook-commands-'));
  repository = await openRepository(join(base, 'backups'), { make: true, now: new Date() });
  await fleet('{ repository: ~/backups, keep: { last: 2, daily: 3 }, limit: 24h }');
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('backup list and show', () => {
  it('shows what there is, what is not good, and whose it is', async () => {
    const [old, fresh] = [await make(30), await make(6)];
    const left = await repository.begin({ ...scope, kind: 'rdb' }, new Date());
    await left.put('data/dump.rdb', bytes('REDIS0010'));
    await left.leave();
    const { status, stdout } = run('backup', 'list');
    expect(status).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(
      /^2 good backups of 1 group, 48 bytes, newest 6 h( 01 min)? old\. 1 incomplete\.$/,
    );
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      `shop / stn-master repository ${join(base, 'backups')} not encrypted, signed`,
    );
    expect(stdout).toMatch(/ {2}ID {4}TAKEN \(\+09\) +FROM {2}KIND +SIZE +KEYS {2}CHECKED {2}KEPT AS/);
    expect(stdout).toMatch(new RegExp(`\\n {2}${fresh.id} .* pv3 {3}rdb .* 1 208 870 {2}none {5}last daily\\n`));
    expect(stdout).toMatch(new RegExp(`\\n {2}${old.id} .* last daily\\n`));
    expect(stdout).toMatch(new RegExp(`\\nx ${left.ref.id} .* - {2}none {5}incomplete\\n`));
    expect(stdout).toContain(`${left.ref.id} never finished`);
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('gives JSON with raw numbers and UTC times', async () => {
    const ref = await make(6);
    const { groups, schema } = JSON.parse(run('backup', 'list', '--json').stdout);
    expect(schema).toBe('redis-runbook/backup-list/1');
    expect(groups).toEqual([
      {
        fleet: 'shop',
        group: 'stn-master',
        strange: [],
        backups: [
          expect.objectContaining({
            id: ref.id,
            state: 'good',
            keys: '1208870',
            sizeBytes: '24',
            takenAt: ref.begunAt,
            kept: ['newest', 'last 1', 'daily 1'],
          }),
        ],
      },
    ]);
  });

  it('shows one backup with its origin, files and checks', async () => {
    const ref = await make(6);
    run('backup', 'verify', ref.id);
    const { status, stdout } = run('backup', 'show', ref.id.toLowerCase());
    expect(status).toBe(0);
    expect(stdout).toContain(`${ref.id}, rdb of shop / stn-master at`);
    expect(stdout).toContain('Every byte was read again as stored');
    expect(stdout).toContain('offset 93 868 004 of bbbbbbbb');
    expect(stdout).toContain('data/dump.rdb');
    expect(stdout).toContain('ok hashes good');
    expect(run('backup', 'show', 'ZZZZ')).toMatchObject({ status: 2, stderr: expect.stringContaining('[no-backup]') });
    expect(JSON.parse(run('backup', 'show', ref.id, '--json').stdout)).toMatchObject({
      view: { id: ref.id },
      manifest: { source: { offset: '93868004' } },
    });
  });

  it('says what to do when no repository is named, and when there is none', async () => {
    await fleet('{}');
    expect(run('backup', 'list')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('does not say where backups are kept'),
    });
    expect(run('backup', 'list', '--repository', join(base, 'none'))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('[no-repository]'),
    });
    expect(run('backup', 'list', '--repository', join(base, 'backups'))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('There is no good backup'),
    });
  });
});

describe('backup verify', () => {
  it('is 0 for what is as stored, and keeps that beside it', async () => {
    const ref = await make(6);
    expect(run('backup', 'verify')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^${ref.id} is as stored and signed\\. 24 bytes read in`)),
    });
    const checks = await readdir(inside(ref, 'checks'));
    expect(checks.map((name) => name.replace(/^\d+T\d+Z-/, ''))).toEqual(['hashes.json', 'hashes.json.sig']);
    expect((await stat(inside(ref, `checks/${checks[0]}`))).mode & 0o777).toBe(0o600);
    expect(run('backup', 'list').stdout).toMatch(new RegExp(`${ref.id} .* hashes `));
  });

  it('is 1 for a flipped byte, names it, and the backup is good no more', async () => {
    const ref = await make(6);
    await writeFile(inside(ref, 'data/dump.rdb'), 'REDIS0010 dato', { mode: 0o600 });
    const { status, stdout } = run('backup', 'verify');
    expect(status).toBe(1);
    expect(stdout).toContain(`${ref.id} is not as stored and signed. 0 of 1 backup good.`);
    expect(stdout).toContain('hash: data/dump.rdb has other bytes than were stored');
    const found = JSON.parse(run('backup', 'verify', '--json').stdout);
    expect(found.backups[0].troubles).toEqual([expect.objectContaining({ what: 'hash', path: 'data/dump.rdb' })]);
    expect(run('backup', 'list').stdout).toMatch(new RegExp(`\\nx ${ref.id} .* bad {6}bad\\n`));
    expect(run('backup', 'status').status).toBe(1);
  });

  it('is 3 for a signer that nobody accepted, until he is accepted by name', async () => {
    const eve = signerOf('eve@ops2', newKeyPem());
    const ref = await make(6, { by: eve });
    const refused = run('backup', 'verify');
    expect(refused).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('unknown-signer: it is signed by eve@ops2, key'),
    });
    expect(run('backup', 'status').status).toBe(1);
    expect(run('backup', 'list', '--accept-signer', 'bob@ops2')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('[unknown-signer]'),
    });
    const before = (await readdir(join(base, 'backups'), { recursive: true })).sort();
    expect(run('backup', 'list', '--accept-signer', 'eve@ops2')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('eve@ops2 is trusted for this repository'),
    });
    expect((await readdir(join(base, 'backups'), { recursive: true })).sort()).toEqual(before);
    expect(run('backup', 'verify', ref.id).status).toBe(0);
    expect(run('backup', 'status').status).toBe(0);
  });
});

describe('backup status', () => {
  it('is 0 while the newest good one is young enough, 1 when it is not, and says why the last try failed', async () => {
    expect(run('backup', 'status')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('there is no good backup'),
    });
    const ref = await make(26);
    const failed = {
      schema: 'redis-runbook/backup-try/1',
      startedAt: new Date().toISOString(),
      endedAt: new Date().toISOString(),
      outcome: 'failed',
      why: 'disk full on pv3',
    } as const;
    await repository.noteTry(scope, failed);
    const late = run('backup', 'status');
    expect(late.status).toBe(1);
    expect(late.stdout.replace(/\s+/g, ' ')).toMatch(
      /^stn-master misses its target: the newest good backup is 26 h( 01 min)? old, the limit is 24 h\. The last try, .*, failed: disk full on pv3\./,
    );
    expect(late.stdout).toMatch(/\n {3}GROUP +NEWEST GOOD +AGE +LIMIT {2}LAST TRY +DRILLED\nx {2}stn-master/);
    expect(late.stdout).toContain('redis-runbook backup create stn-master');
    expect(run('backup', 'status', '--nagios')).toEqual({
      status: 2,
      stdout: expect.stringMatching(
        /^CRITICAL - stn-master newest good backup 26 h old \(limit 24 h\) \| age=936\d\ds;86400;172800\n$/,
      ),
      stderr: '',
    });
    await make(1);
    expect(run('backup', 'status').status).toBe(0);
    expect(run('backup', 'status', '--nagios')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^WARNING - stn-master last try failed: disk full on pv3 \| age=/),
    });
    await repository.noteTry(scope, { ...failed, outcome: 'good', backup: ref.id });
    expect(run('backup', 'status', '--nagios')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^OK - stn-master newest good backup \d+ (min|h) old \(limit 24 h\) \| age=/),
    });
    const { groups } = JSON.parse(run('backup', 'status', '--json').stdout);
    expect(groups[0]).toMatchObject({ state: 'ok', limitMs: 86_400_000, good: 2, neverFinished: false });
  });

  it('knows a try that was killed from one that is under way', async () => {
    await make(1);
    await repository.noteTry(scope, {
      schema: 'redis-runbook/backup-try/1',
      startedAt: new Date().toISOString(),
      outcome: 'under-way',
    });
    const writer = await repository.begin({ ...scope, kind: 'rdb' }, new Date());
    expect(run('backup', 'status').stdout).toContain('under way');
    await writer.leave();
    expect(run('backup', 'status').stdout).toContain('killed');
  });

  it('is UNKNOWN for a monitoring when the repository cannot be used', () => {
    expect(run('backup', 'status', '--nagios', '--repository', join(base, 'none'))).toMatchObject({
      status: 3,
      stdout: expect.stringMatching(/^UNKNOWN - There is no backup repository in .*\n$/),
    });
  });

  it('writes metrics that a collector can read, whole or not at all', async () => {
    const ref = await make(2);
    const { record, signature } = sealCheck(
      {
        schema: 'redis-runbook/backup-check/1',
        id: ref.id,
        manifestSha256: sha256Of(await readFile(inside(ref, 'manifest.json'))),
        name: 'drill',
        at: '2026-11-20T00:00:00Z',
        result: 'good',
        details: [],
        durationMs: 1,
      },
      await loadSigner(env()),
    );
    await repository.addCheck(ref, { at: '2026-11-20T00:00:00Z', name: 'drill' }, record, signature);
    expect(run('backup', 'status', '--metrics', base).status).toBe(0);
    const text = await readFile(join(base, 'redis-runbook-backup.prom'), 'utf8');
    const labels = '{fleet="shop",group="stn-master"}';
    expect(text).toContain(
      `# TYPE redis_runbook_backup_last_success_timestamp_seconds gauge\nredis_runbook_backup_last_success_timestamp_seconds${labels} ${Date.parse(ref.begunAt) / 1000}\n`,
    );
    expect(text).toContain(`redis_runbook_backup_keys${labels} 1208870\n`);
    expect(text).toContain(`redis_runbook_backup_late${labels} 0\n`);
    expect(text).toContain(
      `redis_runbook_backup_last_drill_success_timestamp_seconds${labels} ${Date.parse('2026-11-20T00:00:00Z') / 1000}\n`,
    );
    expect(text).not.toContain('last_attempt');
    expect(
      text
        .split('\n')
        .every((line) =>
          /^$|^# (HELP|TYPE) [a-z_]+ \S.*$|^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?\d+(\.\d+)?$/.test(line),
        ),
    ).toBe(true);
    expect((await stat(join(base, 'redis-runbook-backup.prom'))).mode & 0o777).toBe(0o644);
    expect(run('backup', 'status', '--metrics', join(base, 'none'))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('metrics cannot be written'),
    });
  });
});

describe('backup prune', () => {
  it('shows first, moves to the trash only when told, and never the newest nor the newest drilled', async () => {
    const made = [];
    for (const hours of [1, 2, 3, 26, 50, 74]) made.push(await make(hours));
    const dry = run('backup', 'prune');
    expect(dry).toMatchObject({ status: 0, stdout: expect.stringContaining('Nothing was changed.') });
    expect((await repository.list(scope)).backups).toHaveLength(6);
    const done = JSON.parse(run('backup', 'prune', '--apply', '--json').stdout);
    const { removed, rows } = done.groups[0];
    expect(removed.length).toBeGreaterThan(0);
    expect(removed.length).toBeLessThanOrEqual(3);
    expect(
      rows
        .filter(({ keep }: { keep: boolean }) => !keep)
        .map(({ id }: { id: string }) => id)
        .sort(),
    ).toEqual([...removed].sort());
    const left = (await repository.list(scope)).backups.map(({ id }) => id);
    expect(left).toContain(made[0]?.id);
    expect(left.length + removed.length).toBe(6);
    expect((await repository.trashed()).map(({ ref }) => ref.id).sort()).toEqual([...removed].sort());
    expect(run('backup', 'show', removed[0])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('in the trash since'),
    });
    expect(run('backup', 'prune', '--apply').stdout).toContain('0 backups went to the trash');
  });

  it('refuses when more than half would go, until it is said by name', async () => {
    for (const hours of [1, 2, 3, 4, 5, 6, 7]) await make(hours);
    await fleet('{ repository: ~/backups, keep: { last: 2 } }');
    const refused = run('backup', 'prune', '--apply');
    expect(refused).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('5 of 7 good backups would go: more than half'),
    });
    expect((await repository.list(scope)).backups).toHaveLength(7);
    expect(run('backup', 'prune', '--apply', '--remove-most').status).toBe(0);
    expect((await repository.list(scope)).backups).toHaveLength(2);
  });

  it('refuses without a policy, when backups have stopped, and when a backup is from the future', async () => {
    await make(49);
    expect(run('backup', 'prune', '--apply')).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('older than twice its limit'),
    });
    await make(-1);
    expect(run('backup', 'prune', '--apply')).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('from the future'),
    });
    await fleet('{ repository: ~/backups }');
    expect(run('backup', 'prune', '--apply')).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('does not say what to keep'),
    });
    expect((await repository.list(scope)).backups).toHaveLength(2);
  });

  it('waits for nobody: another pruner is named', async () => {
    await make(1);
    const lock = await repository.lockForPrune(new Date());
    expect(run('backup', 'prune', '--apply')).toMatchObject({
      status: 6,
      stderr: expect.stringContaining(`backup prune, by ${userInfo().username} on ${hostname()}`),
    });
    await lock.release();
  });
});
