import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeptFile } from '../../src/hosts/host.js';
import { compared } from './facts.js';
import type { MachineKind } from './kinds.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, journalOf } from './trouble.js';

const kinds = ['bookworm', 'bullseye-sysv'] as const satisfies readonly MachineKind[];

/** What the tool says of the machines, against what plain ssh, ps, stat and the servers' own client say. */
describe.each(kinds)('what is said of %s machines is what is there', (kind) => {
  let machines: Machines;

  beforeAll(async () => {
    machines = await bootThree({ seed: 81, kind });
  });

  afterAll(async () => {
    await machines?.down();
  });

  async function agrees(): Promise<number> {
    const { differences, count } = await compared(machines);
    expect(differences).toEqual([]);
    return count;
  }

  test('of a fleet that serves, with more than thirty facts of each machine', async () => {
    await machines.untilSettled();
    await machines.write();
    await machines.untilCaughtUp();
    expect(await agrees()).toBeGreaterThan(90);
  });

  test('with a machine off, a replica stopped and a sentinel stopped', async () => {
    const master = await machines.untilSettled();
    const [off = '', hurt = ''] = machines.on().filter((name) => name !== master);
    await machines.powerCut([off]);
    await machines.asRoot(hurt, 'service redis-server stop');
    await machines.asRoot(master, 'service redis-sentinel stop');
    await agrees();
    await machines.boot([off]);
    await machines.asRoot(hurt, 'service redis-server start');
    await machines.asRoot(master, 'service redis-sentinel start');
    await machines.untilSettled();
  });

  test('dead, and recovered: the last screen and the journal say what the machines show', async () => {
    await dead(machines);
    await agrees();
    const output = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
    expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
    await agrees();
    await endsAsSaid(output.stdout);
    await keptAsSaid();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  });

  /** The row `master` of the last screen, against INFO and SENTINEL MASTER of every machine. */
  async function endsAsSaid(screen: string): Promise<void> {
    const said = /^ *master +(\w+), ([\d ,]+) keys, offset [\d ,]+, epoch (\d+)/m.exec(screen);
    expect(said, screen).not.toBeNull();
    const [, master, keys = '', epoch] = said ?? [];
    for (const one of await machines.check()) {
      if (!one.reachable) throw new Error(one.why);
      expect(one.redis?.role).toBe(one.host === master ? 'master' : 'slave');
      expect(one.redis?.db0).toContain(`keys=${keys.replace(/\D/g, '')},`);
      expect(one.sentinel?.['config-epoch']).toBe(epoch);
    }
  }

  /** What the journal says that it kept, against the bytes on the machines. */
  async function keptAsSaid(): Promise<void> {
    const kept = journalOf(machines).filter(({ action, phase }) => phase === 'result' && /data\.keep/.test(action));
    expect(kept.length).toBeGreaterThan(2);
    for (const line of kept) {
      const [, host = ''] = line.action.split('/');
      for (const { kept: path, sha256, sizeBytes } of (line.detail?.files ?? []) as readonly KeptFile[]) {
        const seen = await machines.ssh(host, `sha256sum ${path}; stat -c %s ${path}`, { login: 'root' });
        expect(seen.stdout).toBe(`${sha256}  ${path}\n${sizeBytes}\n`);
      }
    }
  }
});
