import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSystemd } from '../../src/backup/schedule/calendar.js';
import { createPinger } from '../../src/backup/schedule/ping.js';

const program = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'redis-runbook-schedule-'));
  const text =
    'name: shop\ngroup: stn-master\nhosts:\n  pv1: { address: 127.99.1.1, runs: [redis, sentinel] }\nbackup: { repository: /var/backups/redis-runbook, keep: { last: 3 } }\n';
  await writeFile(join(base, 'fleet.yaml'), text, { mode: 0o600 });
  await mkdir(join(base, 'units'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

function schedule(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'backup', 'schedule', ...args], {
    cwd: base,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe('backup schedule', () => {
  it('writes units that systemd itself accepts and calls well closed, shows them, and removes them', async () => {
    const into = join(base, 'units');
    const done = schedule(
      'install',
      '--into',
      into,
      '--at',
      'Mon..Fri 03:14',
      '--credential',
      'signing-key=/etc/redis-runbook/key.pem',
    );
    expect(done).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /The schedule of shop is written: Mon\.\.Fri 03:14\.\nNext: \w{3} \d{4}-\d\d-\d\d 03:14:00/,
      ),
    });
    expect((await readdir(into)).sort()).toEqual([
      'redis-runbook-backup-shop.conf',
      'redis-runbook-backup-shop.service',
      'redis-runbook-backup-shop.timer',
    ]);
    const service = join(into, 'redis-runbook-backup-shop.service');
    expect((await stat(service)).mode & 0o777).toBe(0o644);
    const verify = spawnSync('systemd-analyze', ['verify', '--man=no', join(into, 'redis-runbook-backup-shop.timer')], {
      encoding: 'utf8',
    });
    expect([verify.status, verify.stderr]).toEqual([0, '']);
    const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', service], {
      encoding: 'utf8',
    });
    expect([security.status, security.stdout.match(/exposure level for .*: ([\d.]+)/)?.[1]]).toEqual([
      0,
      expect.stringMatching(/^[0-2]\.\d$/),
    ]);
    expect(await readFile(service, 'utf8')).toContain('LoadCredential=signing-key:/etc/redis-runbook/key.pem\n');
    expect(schedule('show', '--into', into).stdout).toContain('OnCalendar=Mon..Fri 03:14\n');
    expect(schedule('remove', '--into', into)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('The backups stay.'),
    });
    expect(await readdir(into)).toEqual([]);
    expect(schedule('show', '--into', into).stdout).toContain('No schedule of shop is installed');
  });

  it('neither replaces nor removes a file that somebody else wrote', async () => {
    const into = join(base, 'units');
    const path = join(into, 'redis-runbook-backup-shop.service');
    await writeFile(path, '[Service]\nExecStart=/bin/true\n');
    for (const action of ['install', 'remove']) {
      expect(schedule(action, '--into', into)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('was not written by this tool'),
      });
    }
    expect(await readFile(path, 'utf8')).toBe('[Service]\nExecStart=/bin/true\n');
    expect(await readdir(into)).toHaveLength(1);
  });

  it('writes nothing for a calendar that is none, a repository that the service cannot see, or --print', async () => {
    const into = join(base, 'units');
    expect(schedule('install', '--into', into, '--at', 'sometimes')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('"sometimes" says no time'),
    });
    expect(schedule('install', '--into', into, '--timer', 'cron', '--at', '61 * * * *')).toMatchObject({ status: 2 });
    expect(schedule('install', '--into', into, '--repository', '/home/mina/backups')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('not to be seen from there: /home/mina/backups'),
    });
    expect(schedule('install', '--into', into, '--print')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Persistent=true'),
    });
    expect(schedule('install', '--timer', 'kubernetes')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('kind: CronJob'),
    });
    expect(await readdir(into)).toEqual([]);
    expect(schedule('install', '--into', into, '--timer', 'cron').status).toBe(0);
    expect(await readdir(into)).toEqual(['redis-runbook-backup-shop']);
  });

  it('asks systemd what a calendar means', async () => {
    expect(await checkSystemd('daily')).toEqual({
      isChecked: true,
      next: [expect.stringContaining('00:00:00'), expect.stringContaining('00:00:00')],
    });
    for (const wrong of ['foo', '2020-01-01', '*-*-* 25:00', '--version', 'daily\nExecStart=/bin/sh']) {
      await expect(checkSystemd(wrong), wrong).rejects.toMatchObject({ word: 'usage' });
    }
  });
});

describe('pings', () => {
  let server: Server;
  let heard: { readonly method: string; readonly path: string; readonly body: string }[] = [];
  let status = 200;
  let answers = true;

  beforeEach(async () => {
    heard = [];
    status = 200;
    answers = true;
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        heard.push({ method: request.method ?? '', path: request.url ?? '', body });
        if (!answers) return;
        if (status === 302) response.setHeader('location', '/elsewhere');
        response.writeHead(status).end('OK');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = (path = '/uuid-secret') => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  it('tell start, success and failure, with the end of the log', async () => {
    const pinger = await createPinger({ from: 'url', url: url('/uuid-secret?create=1') }, {});
    expect([
      await pinger.start(),
      await pinger.success('done'),
      await pinger.failure(`${'x'.repeat(20_000)}disk full`),
    ]).toEqual([undefined, undefined, undefined]);
    expect(heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /uuid-secret/start?create=1',
      'POST /uuid-secret?create=1',
      'POST /uuid-secret/fail?create=1',
    ]);
    expect(heard[1]?.body).toBe('done');
    expect([heard[2]?.body.length, heard[2]?.body.endsWith('disk full')]).toEqual([10_000, true]);
  });

  it('come from a credential of the service manager, a file or the environment', async () => {
    await writeFile(join(base, 'ping-url'), `${url('/credential')}\n`);
    await (await createPinger(undefined, { CREDENTIALS_DIRECTORY: base })).start();
    await (await createPinger({ from: 'file', path: join(base, 'ping-url') }, {})).success('');
    await (await createPinger({ from: 'env', name: 'PING' }, { PING: url('/env') })).start();
    expect(heard.map(({ path }) => path)).toEqual(['/credential/start', '/credential', '/env/start']);
  });

  it('never reject, say why in words without the address, and follow nobody elsewhere', async () => {
    const pinger = await createPinger({ from: 'url', url: url() }, {}, 300);
    status = 500;
    expect(await pinger.start()).toBe('the ping was answered with status 500');
    status = 302;
    expect(await pinger.start()).toBe('the ping was answered with status 302');
    answers = false;
    expect(await pinger.failure('log')).toBe('the ping was not heard: no answer within 0.3 s');
    expect(heard.map(({ path }) => path)).not.toContain('/elsewhere');
    const gone = url();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const said = await (await createPinger({ from: 'url', url: gone }, {})).success('');
    expect(said).toMatch(/^the ping was not heard: [A-Z_]+$/);
    expect(await (await createPinger({ from: 'file', path: join(base, 'none') }, {})).start()).toBe(
      'the address to ping could not be read',
    );
    expect(await (await createPinger({ from: 'env', name: 'PING' }, { PING: 'uuid-secret' })).start()).toBe(
      'what should be the address to ping is none',
    );
    expect(await (await createPinger(undefined, {})).start()).toBeUndefined();
  });
});
