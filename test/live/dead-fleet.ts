import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { labLoad } from '../../src/lab/up.js';
import { piped } from './pipes.js';
import { broken, type Disaster } from './recovery.js';

/** One broken fleet of which any number of copies can be had: breaking takes seconds, a copy does not. */
export interface DeadFleet {
  /** Who took the last acknowledged write. */
  readonly lastWriter: string;
  /** A copy of its own, off as it was broken, on addresses of its own. */
  copy(): Promise<Lab>;
  /** Runs `use` on a copy that is taken down afterwards, however it ends. */
  withCopy<T>(use: (lab: Lab) => Promise<T>): Promise<T>;
  remove(): void;
}

/** Breaks a fleet once and keeps it. */
export async function deadFleet(disaster: Disaster, seed: number): Promise<DeadFleet> {
  const { lab, lastWriter } = await broken(disaster, seed);
  const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-dead.'));
  const saved = lab.save(join(directory, 'saved'));
  await lab.down({ remove: true });
  const copy = () => labLoad(saved, { ownerPid: process.pid });
  return {
    lastWriter,
    copy,
    withCopy: async (use) => {
      const one = await copy();
      try {
        return await use(one);
      } finally {
        await removeLab(one);
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Takes a lab down and removes all of it, what the operator kept beside it included. */
export async function removeLab(lab: Lab): Promise<void> {
  await lab.down({ remove: true });
  rmSync(lab.directory, { recursive: true, force: true });
}

/** Path → sha256 and mode of every file of the lab's machines; what belongs to the operator is not the fleet's. */
export function filesOf(lab: Lab): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const host of lab.hosts) {
    for (const entry of readdirSync(host.directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
      all[path.slice(lab.directory.length)] = `${hash} ${statSync(path).mode.toString(8)}`;
    }
  }
  return all;
}

/** Lock and hold files that are still on the lab's machines. */
export function leftOn(lab: Lab): readonly string[] {
  return Object.keys(filesOf(lab)).filter((path) => /\/state\/(lock\.json$|.*hold)/.test(path));
}

/** `status` finds it healthy, within a minute: on a busy machine a look may not get its answers in time, which it says (4). */
export async function expectHealthy(lab: Lab, why: string): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    const { status, stdout } = await piped(lab, ['status', '--quiet']);
    if (status === 0) return;
    if (performance.now() > until) expect(status, `${why}\n${stdout}`).toBe(0);
  }
}
