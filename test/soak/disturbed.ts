import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/lab.js';
import type { Prng } from '../../src/lab/prng.js';

/** What somebody or something else does to a fleet in the middle of a run. */
export const disturbances = ['kill-redis', 'start-sentinel', 'edit-config', 'operator-disk', 'host-disk'] as const;
export type Disturbance = (typeof disturbances)[number];

/** A disturbance that was prepared before the run: what happens at its moment, and what ends it. */
export interface Disturbed {
  readonly kind: Disturbance;
  /** In words, with the host. */
  readonly says: string;
  happen(): Promise<void>;
  /** Room on the disk again. */
  over(): void;
  /** Takes away what was prepared, before the lab itself goes. */
  remove(): void;
  /** A line that somebody wrote, and the file that must keep it. */
  readonly line?: { readonly path: string; readonly text: string };
}

/** Prepares what is to happen; small disks are mounted now (root), and hold what was in the directories. */
export function disturb(kind: Disturbance, lab: Lab, prng: Prng): Disturbed {
  const redis = prng.pick(lab.hosts.filter((host) => host.runs.includes('redis')));
  const sentinel = prng.pick(lab.hosts.filter((host) => host.runs.includes('sentinel')));
  const nothing = () => undefined;
  const no = { over: nothing, remove: nothing };
  switch (kind) {
    case 'kill-redis':
      return {
        kind,
        says: `redis of ${redis.name} killed`,
        happen: () => lab.kill(redis.name, 'redis', 'SIGKILL'),
        ...no,
      };
    case 'start-sentinel':
      return {
        kind,
        says: `sentinel of ${sentinel.name} started by hand`,
        happen: () => lab.start(sentinel.name, 'sentinel').catch(nothing),
        ...no,
      };
    case 'edit-config': {
      const path = join(redis.directory, 'redis.conf');
      const text = `# somebody was here ${prng.between(1, 1e6)}`;
      return {
        kind,
        says: `redis.conf of ${redis.name} edited`,
        line: { path, text },
        happen: async () => appendFileSync(path, `${text}\n`),
        ...no,
      };
    }
    case 'operator-disk':
      return fullDisk(kind, "the operator's disk full", join(lab.directory, 'operator'), 24);
    case 'host-disk': {
      // A server that runs keeps the directory that it was started in: one that is mounted over it later is not its own.
      const runs = lab.running().some((one) => one.address === redis.address && one.kind === 'redis');
      const drawn = prng.pick(['data', 'state'] as const);
      const what = runs ? 'state' : drawn;
      return fullDisk(kind, `the disk of ${redis.name} full (${what})`, join(redis.directory, what), 8);
    }
  }
}

/** A file system of its own for one directory, that is filled to its last byte when it happens. */
function fullDisk(kind: Disturbance, says: string, directory: string, megabytes: number): Disturbed {
  const aside = `${directory}-aside`;
  mkdirSync(directory, { recursive: true });
  renameSync(directory, aside);
  mkdirSync(directory, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', directory]);
  cpSync(aside, directory, { recursive: true, preserveTimestamps: true });
  rmSync(aside, { recursive: true });
  const filler = join(directory, 'filler');
  return {
    kind,
    says,
    happen: async () => fill(filler),
    over: () => rmSync(filler, { force: true }),
    // A server may still be at work in it: until then it is the disk of that directory.
    remove: () => void execFileSync('umount', ['-l', directory]),
  };
}

function fill(path: string): void {
  for (const size of [1 << 20, 4096, 1]) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}
