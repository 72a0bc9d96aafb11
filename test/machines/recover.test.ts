import { describe, expect, test } from 'vitest';
import type { Persistence } from '../../src/lab/layout.js';
import type { Stop } from '../../src/lab/stop.js';
import { meddledWith, wrongRoles } from './as-before.js';
import { compared } from './facts.js';
import type { Login } from './fleet.js';
import type { MachineKind } from './kinds.js';
import { bootFleet } from './machines.js';
import { reportOf, reportWanted } from './run-told.js';

const names = ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'] as const;
const RECOVER_LIMIT_MS = 240_000;

interface Case {
  readonly kind: MachineKind;
  readonly stop: Stop;
  readonly persistence: Persistence;
  readonly login: Login;
  readonly seed: number;
}

/** Each kind, login, way to stop and persistence at least once; not the product of them. */
const cases: readonly Case[] = [
  { kind: 'bookworm', stop: 'clean', persistence: 'aof', login: 'ops', seed: 1 },
  { kind: 'bookworm', stop: 'crash', persistence: 'aof', login: 'root', seed: 2 },
  { kind: 'bullseye-sysv', stop: 'clean', persistence: 'aof', login: 'ops', seed: 1 },
  { kind: 'bullseye-sysv', stop: 'clean', persistence: 'rdb', login: 'root', seed: 1 },
  { kind: 'bullseye-sysv', stop: 'crash', persistence: 'aof', login: 'ops', seed: 2 },
  { kind: 'trixie', stop: 'clean', persistence: 'aof', login: 'ops', seed: 1 },
  { kind: 'trixie-valkey', stop: 'clean', persistence: 'rdb', login: 'ops', seed: 1 },
];

/** Five machines with the distribution's packages, units, users and permissions; the tool reaches them over SSH alone. */
describe.each(cases)('$kind, $persistence, $stop, as $login, seed $seed', (one) => {
  test('the cascade is recovered, and neither a power cut nor a failover afterwards loses anything', async () => {
    const machines = await bootFleet({ kind: one.kind, persistence: one.persistence, seed: one.seed });
    const unitsNow = async () => (await machines.check()).map((host) => (host.reachable ? host.units : undefined));
    const allThere = async () => expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    try {
      const before = await unitsNow();
      const { lastWriter } = await machines.cascade(one.stop);
      await machines.boot(names, { quiet: true });
      const beforeTheRun = await machines.check();

      const recovered = await machines.runbook(['recover', '--yes', '--plain'], {
        login: one.login,
        timeoutMs: RECOVER_LIMIT_MS,
      });

      expect([0, 10], `${recovered.stdout}${recovered.stderr}`).toContain(recovered.status);
      expect(await machines.untilSettled()).toBe(lastWriter);
      await allThere();
      const afterTheRun = await machines.check();
      expect(meddledWith(machines, beforeTheRun, afterTheRun)).toEqual([]);
      expect(wrongRoles(machines, afterTheRun, lastWriter)).toEqual([]);
      expect(reportOf(machines)).toEqual(reportWanted(machines, afterTheRun, lastWriter));
      expect((await compared(machines)).differences).toEqual([]);
      await machines.powerCut(names);
      await machines.boot(names);
      expect(await machines.untilSettled()).toBe(lastWriter);
      await allThere();
      expect(await unitsNow()).toEqual(before);
      await machines.powerCut([lastWriter]);
      expect(await machines.untilSettled(lastWriter)).not.toBe(lastWriter);
      await allThere();
    } finally {
      await machines.down();
    }
  });
});
