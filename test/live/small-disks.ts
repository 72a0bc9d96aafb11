import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel } from '../../src/hosts/channel.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { shellLine } from '../../src/hosts/shell-quote.js';
import { kill } from './own-redis.js';

/**
 * Small file systems in a mount namespace of their own, without root where the kernel lets a user make one. What runs
 * there sees them, and this process does not.
 */
export interface SmallDisks {
  /** What runs there may become another user: not so where a user's own namespace has none. */
  readonly hasOtherUsers: boolean;
  /** The same path on both sides; `NAME` below it is the mount. */
  readonly directory: string;
  /** A shell there, as over SSH. */
  channel(host: string): Channel;
  spawn(argv: readonly string[], options: SpawnOptions): ChildProcess;
  /** Runs a shell script there to its end; gives what it printed. */
  sh(script: string): string;
  /** Leaves so many bytes free on a disk, whatever was free before. */
  leave(name: string, bytes: number): void;
  /** Leaves room for so many new names. */
  leaveNames(name: string, count: number): void;
  /** Takes what these put there away. */
  room(name: string): void;
  end(): Promise<void>;
}

/** Mounts a tmpfs for each name, with these options (`size=8m`). */
export async function smallDisks(disks: Readonly<Record<string, string>>): Promise<SmallDisks> {
  const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-disks-'));
  chmodSync(directory, 0o755);
  const mounts = Object.entries(disks).map(([name, options]) => {
    mkdirSync(join(directory, name), { recursive: true });
    return `mkdir -p "$0/${name}" && mount -t tmpfs -o mode=755,${options} tmpfs "$0/${name}"`;
  });
  const script = [...mounts, 'echo ready', 'exec sleep 1800'].join(' && ');
  const isRoot = process.getuid?.() === 0;
  const own = isRoot ? ['-m', '--propagation', 'private'] : ['-Urm'];
  const holder = spawn('unshare', [...own, 'sh', '-c', script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    holder.stdout?.once('data', resolve);
    holder.once('exit', (status) => reject(new Error(`no small disks: unshare ended with ${status}`)));
  });
  const into = ['-t', String(holder.pid), '-m', ...(isRoot ? [] : ['-U', '--preserve-credentials']), '--'];
  const sh = (text: string) =>
    execFileSync('nsenter', [...into, 'sh', '-c', text, directory], { encoding: 'utf8', timeout: 30_000 });
  const filler = (name: string) => `"$0/${name}/filler"`;
  return {
    hasOtherUsers: isRoot,
    directory,
    channel: (host) => {
      const here = openLocalChannel(host);
      const line = (command: string) => shellLine(['nsenter', ...into, 'sh', '-c', command]);
      return {
        ...here,
        exec: (command, options, signal) => here.exec(line(command), options, signal),
        open: (command, signal) => here.open(line(command), signal),
      };
    },
    spawn: (argv, options) => spawn('nsenter', [...into, ...argv], options),
    sh,
    leave: (name, bytes) => {
      const free = `$(df -k --output=avail "$0/${name}" | tail -1)`;
      sh(`rm -f ${filler(name)}; fallocate -l $((${free} * 1024 - ${bytes})) ${filler(name)}`);
    },
    leaveNames: (name, count) => {
      const used = `$(df --output=iavail "$0/${name}" | tail -1)`;
      sh(
        `mkdir ${filler(name)}-names; n=$((${used} - ${count})); while [ $n -gt 0 ]; do : > ${filler(name)}-names/$n; n=$((n - 1)); done`,
      );
    },
    room: (name) => void sh(`rm -rf ${filler(name)} ${filler(name)}-names`),
    end: async () => {
      await kill(holder);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
