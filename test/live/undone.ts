import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Lab, openLab } from '../../src/lab/lab.js';
import { labLoad, labUp } from '../../src/lab/up.js';
import { redisView } from '../../src/lab/view.js';
import { heldKeys } from '../../src/lab/writer.js';
import { differsOutsideGenerated } from '../../src/redis/edit-sentinel.js';
import { leftOn, removeLab } from './dead-fleet.js';

/** One healthy fleet of which any number of running copies can be had, each with writes that no file has yet. */
export interface LiveFleet {
  withCopy<T>(use: (lab: Lab) => Promise<T>): Promise<T>;
  remove(): void;
}

/** Brings a fleet up once, ends it in order and keeps it. */
export async function liveFleet(seed: number, persistence: 'rdb' | 'aof' = 'rdb'): Promise<LiveFleet> {
  const lab = await labUp({ seed, ownerPid: process.pid, persistence, redis: 3, sentinels: 3 });
  const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-live.'));
  await lab.write();
  for (const kind of ['sentinel', 'redis'] as const)
    for (const host of lab.hosts) if (host.runs.includes(kind)) await lab.kill(host.name, kind, 'SIGTERM');
  const saved = lab.save(join(directory, 'saved'));
  await lab.down({ remove: true });
  return {
    withCopy: async (use) => {
      const copy = await labLoad(saved, { ownerPid: process.pid });
      try {
        await copy.powerCycle({ limitMs: 60_000 });
        await copy.write();
        return await use(copy);
      } finally {
        await removeLab(copy);
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What undo promises to bring back: configs with owner and mode, who runs in which role, and what each node holds. */
export interface Before {
  readonly configs: Readonly<Record<string, { readonly text: string; readonly stat: string }>>;
  readonly running: readonly string[];
  readonly roles: Readonly<Record<string, string>>;
  /** By redis node that runs: a hash over every key and its value. */
  readonly data: Readonly<Record<string, string>>;
}

/** Sees all of it, with the lab's own eyes. */
export async function seen(lab: Lab): Promise<Before> {
  const configs: Record<string, { text: string; stat: string }> = {};
  const roles: Record<string, string> = {};
  const data: Record<string, string> = {};
  const running = lab.running().filter((one) => !one.child);
  for (const host of lab.hosts) {
    for (const kind of host.runs) {
      const path = join(host.directory, `${kind}.conf`);
      const { uid, gid, mode } = statSync(path);
      configs[`${host.name}/${kind}`] = {
        text: readFileSync(path, 'latin1'),
        stat: `${uid}:${gid} ${mode.toString(8)}`,
      };
    }
    if (!running.some((one) => one.address === host.address && one.kind === 'redis')) continue;
    roles[host.name] = (await redisView(lab.state(), host)).role;
    const keys = [...(await heldKeys(lab.state(), host))].sort(([a], [b]) => (a < b ? -1 : 1));
    data[host.name] = createHash('sha256').update(JSON.stringify(keys)).digest('hex');
  }
  return { configs, running: running.map((one) => `${one.address} ${one.kind}`).sort(), roles, data };
}

/** Everything that undo promises, compared; a running sentinel rewrites what is its own in its file all the time. */
export async function expectAsBefore(lab: Lab, before: Before, why: string): Promise<void> {
  const now = await seen(openLab(lab.directory));
  expect(now.running, why).toEqual(before.running);
  expect(now.roles, why).toEqual(before.roles);
  expect(now.data, why).toEqual(before.data);
  expect(leftOn(lab), why).toEqual([]);
  for (const [node, config] of Object.entries(before.configs)) {
    expect(now.configs[node]?.stat, `${node}: ${why}`).toBe(config.stat);
    const text = now.configs[node]?.text ?? '';
    const runs = node.endsWith('/sentinel') && before.running.length > 0;
    if (runs) expect(differsOutsideGenerated(config.text, text, lab.group), `${node}: ${why}`).toEqual([]);
    else expect(text, `${node}: ${why}`).toBe(config.text);
  }
}
