import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { holds, notYet } from '../../src/lab/until.js';
import type { Survey } from '../../src/model/survey.js';
import type { MachineKind } from './kinds.js';
import { bootFleet } from './machines.js';
import type { Machines } from './shapes.js';
import { until } from './until.js';

interface Pair {
  readonly older: MachineKind;
  readonly newer: MachineKind;
  /** RDB versions that the two write (rdb.h: RDB_VERSION). */
  readonly reads: number;
  readonly sends: number;
}

/** A master sends its data in its own RDB version, and an older server reads no newer one. */
const pairs: readonly Pair[] = [
  { older: 'bullseye-sysv', newer: 'bookworm', reads: 9, sends: 10 },
  { older: 'bookworm', newer: 'trixie', reads: 10, sends: 12 },
];

let machines: Machines;
const old = 'pv1';
const all = ['pv1', 'pv2', 'pv3'] as const;
const RECOVER = { timeoutMs: 240_000 };

/** The version of the server that is installed on a machine, by its own word. */
async function installed(name: string): Promise<string> {
  return (await machines.asRoot(name, "redis-server --version | sed 's/.* v=\\([0-9.]*\\) .*/\\1/'")).stdout.trim();
}

/** `service` is there with SysV init and with systemd. */
function service(name: string, unit: 'redis-server' | 'redis-sentinel', verb: 'start' | 'stop') {
  return machines.asRoot(name, `service ${unit} ${verb}`);
}

/** A command to the old server on its own machine, whatever its cable. */
function atOld(command: string): Promise<string> {
  const script = `REDISCLI_AUTH='${machines.password}' redis-cli --no-auth-warning ${command}`;
  return machines.asRoot(old, script).then(({ stdout }) => stdout.trim());
}

async function untilElected(): Promise<string> {
  return until('another master to be elected', 60_000, async () => {
    const master = await machines.master();
    return master === undefined || master === old ? notYet(`master: ${master}`) : holds(master);
  });
}

/**
 * A failover after which the old server goes on without a copy, which it could not load: it is cut off, so that not a
 * byte more is written to it, and follows the new master by its own cached place (a partial resynchronization).
 */
async function handOver(): Promise<string> {
  await service(old, 'redis-sentinel', 'stop');
  await atOld('config set repl-ping-replica-period 3600');
  await machines.untilCaughtUp();
  await machines.cable(old, false);
  const master = await untilElected();
  const address = machines.hosts.find(({ name }) => name === master)?.address;
  await atOld(`replicaof ${address} 6379`);
  await machines.cable(old, true);
  await service(old, 'redis-sentinel', 'start');
  return machines.untilSettled(old);
}

/** Sentinels first, then the master, which waits for its replicas, then these: all that are on end at one offset. */
async function stopAll(master: string): Promise<void> {
  await Promise.all(machines.on().map((name) => service(name, 'redis-sentinel', 'stop')));
  await service(master, 'redis-server', 'stop');
  for (const name of machines.on()) await service(name, 'redis-server', 'stop');
}

async function noneLost(): Promise<void> {
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
}

/** The server of each node and how it is known, as the tool shows it. */
async function serversSeen(): Promise<readonly string[]> {
  const { stdout } = await machines.runbook(['status', '--json'], RECOVER);
  const { survey } = JSON.parse(stdout) as { survey: Survey };
  const redis = survey.groups[machines.group]?.redis ?? [];
  return redis.map(({ server }) => (server.ok ? `${server.value.version} by ${server.from.source}` : server.detail));
}

function words(text: string): string {
  return text.replace(/\s+/g, ' ');
}

describe.each(pairs)('$older beside $newer', ({ older, newer: kind, reads, sends }) => {
  let oldVersion = '';
  let newVersion = '';

  beforeAll(async () => {
    const runs = ['redis', 'sentinel'] as const;
    const hosts = all.map((name) => ({ name, runs, kind: name === old ? older : kind }));
    machines = await bootFleet({ hosts, persistence: 'rdb', seed: 41 });
    [oldVersion, newVersion] = [await installed(old), await installed('pv2')];
  });

  afterAll(async () => {
    await machines?.down();
  });

  test('of equal data the older server is made master, and the screen says why', async () => {
    expect(await machines.untilSettled()).toBe(old);
    await machines.write();
    await machines.untilCaughtUp();
    const newer = await handOver();
    await machines.write();
    await machines.untilCaughtUp();
    await stopAll(newer);
    const told = (name: string) => `${name === old ? oldVersion : newVersion} by /usr/bin/redis-server --version`;
    expect(await serversSeen()).toEqual(all.map(told));

    const recovered = await machines.runbook(['recover', '--yes', '--plain'], RECOVER);

    expect(recovered.status, `${recovered.stdout}${recovered.stderr}`).toBe(0);
    expect(words(recovered.stdout)).toContain(
      `holds the same as ${newer} and runs the older server (Redis ${oldVersion})`,
    );
    expect(await machines.untilSettled()).toBe(old);
    await noneLost();
  });

  test('a fresher newer server is never given up for it: refused in words, then the older one is left out by name', async () => {
    await machines.powerOff([old]);
    const newer = await untilElected();
    await machines.untilSettled();
    await machines.write();
    await machines.untilCaughtUp();
    await stopAll(newer);
    await machines.boot([old], { quiet: true });

    const refused = await machines.runbook(['recover', '--yes', '--plain'], RECOVER);

    const said = words(refused.stdout + refused.stderr);
    expect(refused.status, said).toBe(3);
    expect(said).toContain(`${old} could not copy from ${newer}, which is to be master`);
    expect(said).toContain(
      `Redis ${newVersion} sends its data in RDB version ${sends}, and Redis ${oldVersion} reads versions up to ${reads}`,
    );
    expect(said).toContain(`upgrade the server of ${old}`);
    expect(said).toContain(`--set-aside ${old} --reason`);

    const recovered = await machines.runbook(
      ['recover', '--yes', '--plain', '--set-aside', old, '--reason', 'its upgrade comes later'],
      RECOVER,
    );

    expect(recovered.status, `${recovered.stdout}${recovered.stderr}`).toBe(10);
    expect(words(recovered.stdout)).toContain(`${old} was left out`);
    expect((await machines.asRoot(old, 'pgrep -x redis-server || echo none')).stdout.trim()).toBe('none');
    expect((await machines.asRoot(old, 'ls /var/lib/redis-runbook/hold')).stdout.trim()).toBe('redis');
    expect(await machines.master()).toBe(newer);
    await noneLost();
    const again = await machines.runbook(['recover', '--yes', '--plain'], RECOVER);
    expect(words(again.stdout + again.stderr)).toContain(`left ${old} out and holds it`);
    expect(again.status, again.stderr).not.toBe(0);
    expect(await machines.master()).toBe(newer);
  });

  test('what it was kept from: started as a replica it throws its data away and cannot load the copy', async () => {
    await machines.asRoot(old, 'rm /var/lib/redis-runbook/hold/redis');
    await service(old, 'redis-server', 'start');
    await until(`${old} to refuse the copy`, 60_000, async () => {
      const log = await machines.asRoot(
        old,
        `grep -c 'handle RDB format version ${sends}' /var/log/redis/redis-server.log`,
      );
      return Number(log.stdout) > 0 ? holds(undefined) : notYet('no such line');
    });
    expect(await machines.ask(old, 'redis', 'DBSIZE')).toBe('0');
    await service(old, 'redis-server', 'stop');
  });
});
