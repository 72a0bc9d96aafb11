import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prngOf } from '../../src/lab/prng.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, headless, heldOn, journalOf, leftBehind, recoverUntil, three } from './trouble.js';

/** What happens between the operator and a machine while it is recovered: dropped sessions, a lost right, a bad line. */
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 41 });
});

afterAll(async () => {
  await machines?.down();
});

async function isWhole(): Promise<void> {
  await machines.untilSettled();
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  expect(leftBehind(machines)).toEqual([]);
}

/** Runs `recover` once more where the first one ended half way. */
async function completed(first: { readonly status: number | null; readonly stdout: string; readonly stderr: string }) {
  if (first.status === 0 || first.status === 10) return;
  expect([8, 9], `${first.stdout}${first.stderr}`).toContain(first.status);
  const again = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
  expect([0, 10], `${first.stdout}${again.stdout}${again.stderr}`).toContain(again.status);
}

/** How often systemd started a unit of a machine since its boot. */
async function starts(name: string, unit: string): Promise<number> {
  const script = `journalctl --no-pager -o cat -u ${unit} | grep -c '^Started' || true`;
  return Number((await machines.asRoot(name, script)).stdout.trim());
}

const places: readonly (readonly [string, string])[] = [
  ['HOLD', 'hold/HOST/service.hold/'],
  ['KEEP', 'keep/HOST/data.keep/'],
  ['STOP', 'stop/HOST/service.stop/'],
  ['REWRITE', 'rewrite/HOST/config.rewrite/'],
  ['CHECK', 'check/HOST/config.check/'],
  ['START', 'start/HOST/service.start/'],
  ['PROVE', 'prove/HOST/lock.release/'],
];

const drops = [
  ...places.map(([stage, place]) => ['ssh', stage, place] as const),
  ...places
    .filter(([stage]) => /KEEP|REWRITE|START/.test(stage))
    .map(([stage, place]) => ['openssh', stage, place] as const),
];

describe('sshd drops the session of the operator', () => {
  test.each(drops)('%s, in %s, and nothing is done twice', async (transport, stage, place) => {
    const prng = prngOf(machines.fleet.seed + stage.length * 7 + stage.charCodeAt(0));
    await headless(machines);
    const victim = prng.pick(three);
    const before = await Promise.all(three.map((name) => starts(name, 'redis-server')));
    const drop = async () => {
      await new Promise((resolve) => setTimeout(resolve, prng.between(0, 250)));
      await machines.asRoot(victim, "kill $(pgrep -f '^sshd: ops( |@|$)')");
    };

    const action = new RegExp(`^${place.replace('HOST', victim)}`);
    const first = await recoverUntil(machines, ['--path', 'cold'], { action }, drop, { transport });

    const runs = first.status === 0 || first.status === 10 ? 1 : 2;
    await completed(first);
    await isWhole();
    const after = await Promise.all(three.map((name) => starts(name, 'redis-server')));
    three.forEach((name, i) => {
      const times = (after[i] ?? 0) - (before[i] ?? 0);
      expect(times, `${name} was started ${times} times in ${runs} runs`).toBeLessThanOrEqual(runs);
    });
  });
});

describe('sudo is refused half way', () => {
  const sudoers = '/etc/sudoers.d/ops';

  test.each(['HOLD', 'KEEP', 'STOP', 'REWRITE', 'CHECK', 'START'])('in %s', async (stage) => {
    await headless(machines);
    const [, place = ''] = places.find(([name]) => name === stage) ?? [];
    const action = new RegExp(`^${place.replace('HOST', 'pv2')}`);
    const refuse = () => machines.asRoot('pv2', `mv ${sudoers} /root/sudoers-ops`);

    const first = await recoverUntil(machines, ['--path', 'cold'], { action }, refuse).finally(() =>
      machines.asRoot('pv2', `mv /root/sudoers-ops ${sudoers}`),
    );

    const said = first.stdout.replace(/\s+/g, ' ');
    expect(first.status, said).toBe(8);
    expect(said).toContain('pv2: ops cannot become root through sudo');
    expect(said).toContain('ops ALL=(root) NOPASSWD: /bin/sh');
    expect(said).toContain('redis-runbook recover --fleet');
    const half = await machines.asRoot(
      'pv2',
      "find /etc/redis /var/lib/redis /var/lib/redis-runbook -name '*redis-runbook-??????????*'",
    );
    expect(half.stdout).toBe('');
    const isInBetween = stage === 'HOLD' || stage === 'START';
    expect(heldOn(machines, 'pv2')).toEqual(isInBetween ? expect.any(Array) : ['redis-server', 'redis-sentinel']);

    const again = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
    expect([0, 10], `${again.stdout}${again.stderr}`).toContain(again.status);
    await isWhole();
  });
});

describe('a line with 200 ms and 5 % loss to every machine', () => {
  test('status and recover take what their round trips cost', async () => {
    await dead(machines);
    for (const name of three) await machines.line(name, { roundTripMs: 200, lossPercent: 5 });
    try {
      const begun = performance.now();
      const status = await machines.runbook(['status', '--plain']);
      const looked = performance.now();
      const recovered = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 400_000 });
      const ended = performance.now();
      const steps = journalOf(machines).filter((line) => line.phase === 'result').length;
      const took = { statusS: (looked - begun) / 1000, recoverS: (ended - looked) / 1000, steps };
      console.log(JSON.stringify(took));
      expect(status.status, status.stdout).toBe(1);
      expect([0, 10], `${recovered.stdout}${recovered.stderr}`).toContain(recovered.status);
      // A login is about ten round trips, a step five to ten, and a lost segment costs one or two more; the rest is
      // room for a busy machine.
      expect(took.statusS).toBeLessThan(30);
      expect(took.recoverS).toBeLessThan(60 + 3 * steps);
    } finally {
      for (const name of three) await machines.line(name, undefined);
    }
    await isWhole();
  });
});
