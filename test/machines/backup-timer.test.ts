import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newKeyPem, signerOf } from '../../src/backup/sign.js';
import { holds, notYet } from '../../src/lab/until.js';
import { type Machine, machineOf } from './fleet.js';
import { fleetYaml } from './fleet-yaml.js';
import { bootFleet } from './machines.js';
import type { Machines } from './shapes.js';
import { installTool } from './tool.js';
import { until } from './until.js';

const UNIT = 'redis-runbook-backup-machines';
const HOME = '/var/lib/redis-runbook-backup';
const REPOSITORY = '/var/backups/redis-runbook';
const METRICS = '/var/lib/node-exporter';
const FLEET = '/etc/redis-runbook/fleet.yaml';
const PINGS = '/var/log/pings';
const ROUND_LIMIT_MS = 90_000;

/** Listens as healthchecks does, and keeps what it was told, one line each. */
const pingServer = `import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => {
    appendFileSync('${PINGS}', JSON.stringify([request.method, request.url, body]) + '\\n');
    response.end('OK');
  });
}).listen(8099, '127.0.0.1');
`;

/** Ends when the pings are heard. */
const heardProbe = `import { createConnection } from 'node:net';
for (;;) {
  const isOpen = await new Promise((resolve) => {
    const socket = createConnection(8099, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  if (isOpen) process.exit(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
`;

let machines: Machines;
let vault: Machine;
const pem = newKeyPem();

beforeAll(async () => {
  const redis = ['redis', 'sentinel'] as const;
  const hosts = [
    { name: 'pv1', runs: redis },
    { name: 'pv2', runs: redis },
    { name: 'vault', runs: ['sentinel'] as const },
  ];
  machines = await bootFleet({ kind: 'bookworm', hosts, persistence: 'rdb', boot: false });
  vault = machineOf(machines.fleet, 'vault');
  installTool(vault);
  furnishVault();
  await machines.boot(['pv1', 'pv2', 'vault']);
  await machines.untilSettled();
  await machines.untilCaughtUp();
  await machines.write({ count: 300 });
});
afterAll(() => machines?.down());

/** What the administrator of the machine puts there: fleet file, secrets that only root reads, and somebody who hears pings. */
function furnishVault(): void {
  const at = (path: string) => join(vault.root, path);
  for (const path of ['/etc/redis-runbook', METRICS, `${HOME}/.ssh`]) mkdirSync(at(path), { recursive: true });
  const { keyFile, knownHosts } = machines.fleet;
  const text = fleetYaml(machines.fleet)
    .replace(JSON.stringify(keyFile), `${HOME}/.ssh/id_ed25519`)
    .replace(JSON.stringify(knownHosts), `${HOME}/.ssh/known_hosts`);
  const backup = `backup: { repository: ${REPOSITORY}, limit: 26h, metrics: ${METRICS}, keep: { last: 5 }, ping: { file: /etc/redis-runbook/ping-url } }\n`;
  writeFileSync(at(FLEET), `${text}${backup}`);
  writeFileSync(at('/etc/redis-runbook/ping-url'), 'http://127.0.0.1:8099/3f8a\n', { mode: 0o600 });
  writeFileSync(at('/etc/redis-runbook/signing-key.pem'), pem, { mode: 0o600 });
  cpSync(keyFile, at(`${HOME}/.ssh/id_ed25519`));
  cpSync(knownHosts, at(`${HOME}/.ssh/known_hosts`));
  writeFileSync(at('/usr/local/lib/pings.mjs'), pingServer);
  writeFileSync(at('/usr/local/lib/heard.mjs'), heardProbe);
}

const onVault = (script: string) => machines.asRoot('vault', script, { timeoutMs: ROUND_LIMIT_MS });

async function property(unit: string, name: string): Promise<string> {
  return (await onVault(`systemctl show ${unit} --property=${name} --value`)).stdout.trim();
}

function stored(): readonly string[] {
  const directory = join(vault.root, REPOSITORY, 'machines', machines.group);
  return readdirSync(directory)
    .filter((name) => /^\d{8}T/.test(name))
    .sort();
}

function pings(): readonly (readonly [method: string, url: string, body: string])[] {
  const lines = readFileSync(join(vault.root, PINGS), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as [string, string, string]);
}

/** The textfile as a scraper reads it: HELP, TYPE and at least one sample for each family, each once, and nothing else. */
function scraped(): ReadonlyMap<string, number> {
  const file = join(vault.root, METRICS, 'redis-runbook-backup.prom');
  expect(statSync(file).mode & 0o777).toBe(0o644);
  const samples = new Map<string, number>();
  const families: string[] = [];
  for (const line of readFileSync(file, 'utf8').replace(/\n$/, '').split('\n')) {
    const [, kind, family] = /^# (HELP|TYPE) ([a-z_]+) \S/.exec(line) ?? [];
    if (kind === 'HELP') families.push(family ?? '');
    if (kind !== undefined) {
      expect(family).toBe(families.at(-1));
      continue;
    }
    const [, name, value] = /^([a-z_]+)(?:\{fleet="machines",group="[\w-]+"\})? (-?\d+(?:\.\d+)?)$/.exec(line) ?? [];
    expect([line, name]).toEqual([line, families.at(-1)]);
    expect(samples.has(name ?? '')).toBe(false);
    samples.set(name ?? '', Number(value));
  }
  expect(new Set(families).size).toBe(families.length);
  expect(families.filter((family) => !samples.has(family))).toEqual([]);
  return samples;
}

const metric = (name: string) => scraped().get(`redis_runbook_backup_${name}`);
const asService = `runuser -u redis-runbook -- env HOME=${HOME} XDG_CONFIG_HOME=${HOME}/config redis-runbook`;

describe('a timer on a booted machine', () => {
  test('is installed, and nothing calls the fleet backed up until it has fired', async () => {
    const installed = await onVault(
      `systemd-run -q --unit=pings /usr/local/bin/node /usr/local/lib/pings.mjs &&
redis-runbook backup schedule install --fleet ${FLEET} --at daily --credential signing-key=/etc/redis-runbook/signing-key.pem &&
chown -R redis-runbook ${HOME} && chmod 700 ${HOME} ${HOME}/.ssh && chown redis-runbook ${METRICS} && chmod 755 ${METRICS}`,
    );
    expect(installed.status, `${installed.stdout}${installed.stderr}`).toBe(0);
    expect(await property(`${UNIT}.timer`, 'ActiveState')).toBe('active');
    const status = await onVault(`${asService} backup status --fleet ${FLEET}`);
    expect([status.status, status.stderr]).toEqual([2, expect.stringContaining('There is no backup repository')]);
    const nagios = await onVault(`${asService} backup status --nagios --fleet ${FLEET}`);
    expect([nagios.status, nagios.stdout]).toEqual([3, expect.stringMatching(/^UNKNOWN - There is no backup/)]);
  });

  test('that was due while the machine was off fires when it is on again, as its own user, with its own key', async () => {
    // Up to ten minutes by chance belong to the timer; a test has no time for them.
    const dropIn = `/etc/systemd/system/${UNIT}.timer.d`;
    await onVault(`mkdir -p ${dropIn} && printf '[Timer]\\nRandomizedDelaySec=0\\n' > ${dropIn}/now.conf`);
    const firstStart = await property(`${UNIT}.service`, 'ExecMainStartTimestamp');
    await machines.powerOff(['vault']);
    // Three days ago it fired last: two calendar days were missed.
    const stamp = join(vault.root, `var/lib/systemd/timers/stamp-${UNIT}.timer`);
    const ago = Date.now() / 1000 - 3 * 86_400;
    utimesSync(stamp, ago, ago);
    writeFileSync(join(vault.root, PINGS), '');
    writeFileSync(join(vault.root, 'etc/systemd/system/pings.service'), pingUnit);
    const wants = join(vault.root, 'etc/systemd/system/multi-user.target.wants');
    mkdirSync(wants, { recursive: true });
    symlinkSync('/etc/systemd/system/pings.service', join(wants, 'pings.service'));
    await machines.boot(['vault']);
    const result = await until('the round of the timer', ROUND_LIMIT_MS, async () => {
      const started = await property(`${UNIT}.service`, 'ExecMainStartTimestamp');
      const state = await property(`${UNIT}.service`, 'ActiveState');
      const isOver = started !== '' && started !== firstStart && state !== 'activating';
      return isOver ? holds(state) : notYet(`${state} ${started}`);
    });
    const journal = (await onVault(`journalctl -u ${UNIT}.service --no-pager -o cat`)).stdout;
    expect([result, await property(`${UNIT}.service`, 'Result')], journal).toEqual(['inactive', 'success']);
    const [name = ''] = stored();
    expect(name).toMatch(/^\d{8}T\d{6}Z-rdb-[0-9A-Z]{4}$/);
    const path = join(vault.root, REPOSITORY, 'machines', machines.group, name);
    const uid = Number((await onVault('id -u redis-runbook')).stdout);
    expect([statSync(path).uid, statSync(path).mode & 0o777]).toEqual([uid, 0o700]);
    const signature = JSON.parse(readFileSync(join(path, 'manifest.json.sig'), 'utf8')) as { key: string };
    expect(signature.key).toBe(signerOf('x', pem).key);
    const sums = await onVault(
      `cd ${REPOSITORY}/machines/${machines.group}/${name} && sha256sum --strict -c SHA256SUMS`,
    );
    expect(sums.status, sums.stdout).toBe(0);
  });

  test('tells Prometheus and the one who hears pings', async () => {
    expect(metric('last_attempt_success')).toBe(1);
    expect(metric('late')).toBe(0);
    expect(metric('good')).toBe(1);
    expect(metric('keys')).toBeGreaterThan(10);
    expect(Date.now() / 1000 - (metric('last_success_timestamp_seconds') ?? 0)).toBeLessThan(600);
    expect(pings().map(([method, url]) => `${method} ${url}`)).toEqual(['POST /3f8a/start', 'POST /3f8a']);
    const status = await onVault(`${asService} backup status --fleet ${FLEET}`);
    expect(status.status, `${status.stdout}${status.stderr}`).toBe(0);
    expect(`${status.stdout}${(await onVault(`journalctl -u ${UNIT}.service --no-pager`)).stdout}`).not.toContain(
      '3f8a',
    );
  });

  test('whose next round is missed is late by the clock', async () => {
    // The process sees the clock of the day after tomorrow; nothing else is changed.
    const shift = `const Now = Date; globalThis.Date = class extends Now { constructor(...given) { given.length === 0 ? super(Date.now()) : super(...given); } static now() { return Now.now() + 172800000; } };`;
    writeFileSync(join(vault.root, 'usr/local/lib/later.mjs'), shift);
    const later = `env NODE_OPTIONS=--import=/usr/local/lib/later.mjs`;
    const command = asService.replace(' env ', ` ${later} `);
    const status = await onVault(`${command} backup status --fleet ${FLEET}`);
    expect([status.status, status.stdout], status.stderr).toEqual([1, expect.stringMatching(/misses its target/)]);
    const nagios = await onVault(`${command} backup status --nagios --fleet ${FLEET}`);
    expect([nagios.status, nagios.stdout]).toEqual([2, expect.stringMatching(/^CRITICAL/)]);
  });

  test('whose round fails is loud: the unit has failed, the ping says so, the metrics and the status, too', async () => {
    await onVault(`mv ${HOME}/.ssh/id_ed25519 /root/`);
    const failed = await onVault(`systemctl start ${UNIT}.service`);
    expect(failed.status).not.toBe(0);
    expect((await onVault(`systemctl is-failed ${UNIT}.service`)).stdout.trim()).toBe('failed');
    expect(
      pings()
        .slice(2)
        .map(([method, url]) => `${method} ${url}`),
    ).toEqual(['POST /3f8a/start', 'POST /3f8a/fail']);
    expect(pings().at(-1)?.[2]).not.toBe('');
    expect(metric('last_attempt_success')).toBe(0);
    expect(stored()).toHaveLength(1);
    await onVault(`mv /root/id_ed25519 ${HOME}/.ssh/`);
    const again = await onVault(`systemctl start ${UNIT}.service`);
    expect(again.status, (await onVault(`journalctl -u ${UNIT}.service --no-pager -o cat`)).stdout).toBe(0);
    expect(metric('last_attempt_success')).toBe(1);
    expect(stored()).toHaveLength(2);
  });

  test('is removed, and its backups stay', async () => {
    const removed = await onVault(`redis-runbook backup schedule remove --fleet ${FLEET}`);
    expect(removed.status, removed.stderr).toBe(0);
    expect(await property(`${UNIT}.timer`, 'LoadState')).not.toBe('loaded');
    expect(stored()).toHaveLength(2);
  });
});

const pingUnit = `[Unit]
Before=${UNIT}.service
[Service]
ExecStart=/usr/local/bin/node /usr/local/lib/pings.mjs
ExecStartPost=/usr/local/bin/node /usr/local/lib/heard.mjs
[Install]
WantedBy=multi-user.target
`;
