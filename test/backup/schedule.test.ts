import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkCron } from '../../src/backup/schedule/calendar.js';
import { cronFile } from '../../src/backup/schedule/cron.js';
import { cronJobManifest } from '../../src/backup/schedule/kubernetes.js';
import { metricsText } from '../../src/backup/schedule/metrics.js';
import type { ScheduleOrder } from '../../src/backup/schedule/order.js';
import { systemdFiles } from '../../src/backup/schedule/systemd.js';
import type { BackupStatusRow, BackupStatusView } from '../../src/model/backup-view.js';
import { nagiosAnswer } from '../../src/report/backup-status.js';

const order: ScheduleOrder = {
  fleet: 'shop',
  fleetFile: '/etc/redis-runbook/shop.yaml',
  repository: '/var/backups/redis-runbook',
  metrics: '/var/lib/node_exporter',
  program: ['/usr/bin/node', '/opt/redis-runbook/bin/redis-runbook.js'],
  user: 'redis-runbook',
  at: '14 3 * * *',
  prunes: true,
  credentials: [{ name: 'ping-url', path: '/etc/redis-runbook/ping-url' }],
};
/** Noon of this machine: cron reads its lines in local time. */
const noon = new Date(2026, 10, 21, 12, 0, 0);
const now = new Date('2026-11-21T12:00:00Z');

describe('a line for cron', () => {
  it.each([
    ['14 3 * * *', '2026-11-22T03:14'],
    ['*/15 * * * *', '2026-11-21T12:15'],
    ['0 3 * * mon-fri', '2026-11-23T03:00'],
    ['0 0,12 1 jan *', '2027-01-01T00:00'],
  ])('%s comes next at %s', (at, next) => {
    const [first = ''] = checkCron(at, noon).next;
    const date = new Date(first);
    const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    expect(local).toBe(next);
  });

  it.each([
    ['61 * * * *'],
    ['* * * *'],
    ['* * * * * *'],
    ['daily'],
    ['0 3 31 2 *'],
    ['0 3 L * *'],
    ['0 3 * * 5#2'],
    ['0 3 * * *; rm -rf /'],
    [''],
  ])('%s is no time', (at) => {
    expect(() => checkCron(at, now)).toThrowError(expect.objectContaining({ word: 'usage' }));
  });

  it('makes, prunes, writes metrics whatever happened, and ends with what happened', () => {
    const { path, content } = cronFile(order);
    expect(path).toBe('/etc/cron.d/redis-runbook-backup-shop');
    const line = content.trim().split('\n').at(-1) ?? '';
    expect(line).toMatch(
      /^14 3 \* \* \* redis-runbook umask 077; .* backup create --scheduled .* && .* backup prune --apply .*; code=\$\?; .* status --metrics \/var\/lib\/node_exporter .*; exit \$code$/,
    );
    expect(cronFile({ ...order, prunes: false }).content).not.toContain('prune');
  });

  it('quotes for the shell and for cron', () => {
    const { content, path } = cronFile({ ...order, fleet: 'a.b', fleetFile: "/etc/it's 100%/f.yaml" });
    expect(content).toContain("--fleet '/etc/it'\\''s 100\\%/f.yaml'");
    expect(path).toBe('/etc/cron.d/redis-runbook-backup-a_b');
  });
});

describe('units of systemd', () => {
  const [service, timer, sysusers] = systemdFiles({ ...order, at: '*-*-* 03:14:00' });

  it('run as a user of their own, once each time, also after the machine was off', () => {
    expect(service?.content).toContain('\nType=oneshot\nUser=redis-runbook\n');
    expect(timer?.content).toContain('OnCalendar=*-*-* 03:14:00\nPersistent=true\nRandomizedDelaySec=10min\n');
    expect(sysusers?.content).toContain('u redis-runbook - "Backups of Redis fleets"');
  });

  it('hand secrets over as credentials, never in the environment or on a command line', () => {
    expect(service?.content).toContain('LoadCredential=ping-url:/etc/redis-runbook/ping-url\n');
    expect(service?.content.match(/^Environment=.*$/m)?.[0]).toBe(
      'Environment=HOME=/var/lib/redis-runbook-backup XDG_CONFIG_HOME=/var/lib/redis-runbook-backup/config XDG_STATE_HOME=/var/lib/redis-runbook-backup/state',
    );
  });

  it('quote words, and no specifier or variable is expanded', () => {
    const [odd] = systemdFiles({ ...order, fleetFile: '/etc/a b/100%$HOME"x.yaml' });
    expect(odd?.content).toContain('--fleet "/etc/a b/100%%$$HOME\\"x.yaml" ');
  });
});

it('a CronJob never runs twice, has no right that it does not need, and no token', () => {
  const manifest = parse(cronJobManifest(order, 'registry.example/redis-runbook:1'));
  expect(manifest).toMatchObject({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'redis-runbook-backup-shop' },
    spec: { schedule: '14 3 * * *', concurrencyPolicy: 'Forbid' },
  });
  const pod = manifest.spec.jobTemplate.spec.template.spec;
  expect(pod).toMatchObject({
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true },
  });
  for (const container of [...pod.initContainers, ...pod.containers]) {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.args.slice(0, 2)[0]).toBe('backup');
  }
  expect(cronJobManifest({ ...order, fleet: 'Shop_1.x' }, 'i')).toContain('name: redis-runbook-backup-shop-1-x\n');
});

describe('what monitoring gets', () => {
  const row = (more: Partial<BackupStatusRow>): BackupStatusRow => ({
    fleet: 'shop',
    group: 'stn-master',
    state: 'ok',
    ageMs: 3_600_000,
    limitMs: 86_400_000,
    neverFinished: false,
    good: 3,
    future: 0,
    bad: 0,
    unknown: 0,
    incomplete: 0,
    ...more,
  });
  const view = (...groups: BackupStatusRow[]): BackupStatusView => ({
    repository: '/b',
    at: '2026-11-21T12:00:00Z',
    freeBytes: 5n,
    groups,
  });

  it.each<[string, BackupStatusView, number, string]>([
    ['good', view(row({})), 0, 'OK - stn-master newest good backup 1 h old (limit 24 h) | age=3600s;86400;172800'],
    [
      'late',
      view(row({ state: 'late', ageMs: 93_840_000 })),
      2,
      'CRITICAL - stn-master newest good backup 26 h old (limit 24 h) | age=93840s;86400;172800',
    ],
    [
      'none',
      view({ ...row({ state: 'late' }), ageMs: undefined } as unknown as BackupStatusRow),
      2,
      'CRITICAL - stn-master has no good backup (limit 24 h)',
    ],
    ['bad', view(row({ bad: 1 })), 1, 'WARNING - 1 backup of stn-master is bad | age=3600s;86400;172800'],
    [
      'killed',
      view(row({ neverFinished: true })),
      1,
      'WARNING - stn-master last try never finished | age=3600s;86400;172800',
    ],
    [
      'two',
      view(row({}), row({ group: 'jobs', state: 'late', ageMs: 400_000_000 })),
      2,
      "CRITICAL - jobs newest good backup 4 d old (limit 24 h) | 'age stn-master'=3600s;86400;172800 'age jobs'=400000s;86400;172800",
    ],
    ['nothing', view(), 3, 'UNKNOWN - no group has a backup'],
  ])('Nagios: %s', (_, seen, exit, line) => {
    expect(nagiosAnswer(seen)).toEqual({ line, exit });
  });

  it('keeps a hostile reason on its line and out of the performance data', () => {
    const why = 'full | age=0s\n\u001b[2J';
    const { line } = nagiosAnswer(
      view(
        row({
          lastTry: { schema: 'redis-runbook/backup-try/1', startedAt: '2026-11-21T12:00:00Z', outcome: 'failed', why },
        }),
      ),
    );
    expect(line.split('|')).toHaveLength(2);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
  });

  it('says nothing in metrics that is not known', () => {
    const text = metricsText(view(row({ group: 'a"b\\c' })));
    expect(text).toContain('redis_runbook_backup_late{fleet="shop",group="a\\"b\\\\c"} 0\n');
    expect(text).not.toContain('last_success');
    expect(text).toContain('redis_runbook_backup_repository_free_bytes 5\n');
  });
});
