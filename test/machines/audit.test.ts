import { afterAll, beforeAll, expect, it } from 'vitest';
import { bootFleet } from './machines.js';
import type { Machines } from './shapes.js';

const hosts = [
  { name: 'pv1', runs: ['redis', 'sentinel'] },
  { name: 'pv2', runs: ['redis', 'sentinel'] },
  { name: 'pvha1', runs: ['sentinel'] },
] as const;

let machines: Machines;

beforeAll(async () => {
  machines = await bootFleet({ hosts, seed: 5 });
  await machines.untilSettled();
  await machines.write();
});
afterAll(async () => machines.down());

interface Found {
  readonly findings: readonly {
    readonly rule: string;
    readonly class: string;
    readonly severity: string;
    readonly host: string | null;
  }[];
  readonly notChecked: readonly { readonly rule: string; readonly detail: string }[];
}

async function audit(): Promise<Found> {
  const { stdout } = await machines.runbook(['audit', '--json'], { timeoutMs: 120_000, service: 'auto' });
  return JSON.parse(stdout) as Found;
}

/** What is found about data, services and rights: `rule host`. */
function found({ findings }: Found, severity: string): readonly string[] {
  return findings
    .filter((one) => ['data-loss', 'recovery', 'drift'].includes(one.class) && one.severity === severity)
    .map(({ rule, host }) => `${rule} ${host}`);
}

async function hand(name: string, script: string): Promise<void> {
  const { status, stderr } = await machines.asRoot(name, script);
  expect(status, `${name}: ${script}\n${stderr}`).toBe(0);
}

it('finds nothing wrong with packaged services, and then what was done to their files and rights', async () => {
  const healthy = await audit();
  expect(found(healthy, 'error')).toEqual([]);
  const ofUnits = ['sentinel-enabled-at-boot', 'restart-policy-fights-runbook', 'config-dir-not-writable'];
  expect(healthy.notChecked.filter(({ rule }) => ofUnits.includes(rule))).toEqual([]);
  // The packages of Debian enable what they install, and start it again whatever happened.
  expect(new Set(found(healthy, 'info'))).toEqual(
    new Set([
      ...hosts.map(({ name }) => `sentinel-enabled-at-boot ${name}`),
      ...hosts.map(({ name }) => `restart-policy-fights-runbook ${name}`),
    ]),
  );

  await hand(
    'pv1',
    `sed -i -e '/^save /d' -e '/^appendonly /d' /etc/redis/redis.conf && echo 'save ""' >> /etc/redis/redis.conf`,
  );
  await hand('pv2', 'chown root:root /etc/redis && chmod 755 /etc/redis');
  expect([...found(await audit(), 'error')].sort()).toEqual([
    'aof-off-in-file-only pv1',
    'config-dir-not-writable pv2',
    'config-dir-not-writable pv2',
    'persistence-off-auto-restart pv1',
  ]);
});
