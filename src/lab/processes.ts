import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { NodeKind } from '../model/inventory.js';
import { holds, notYet, until } from './until.js';

/** A process of a lab. `startTicks` is the kernel's start time, which tells a process from a later one with the same pid. */
export interface LabProcess {
  readonly pid: number;
  readonly startTicks: string;
  readonly address: string;
  readonly port: number;
  readonly kind: NodeKind;
  /** A fork that saves or rewrites for its parent. */
  readonly child: boolean;
}

/** The kernel's start time of a process in clock ticks; undefined when there is none. A zombie is gone. */
export function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * Every redis process that runs inside `directory` on an address of `block`, whoever started it: the lab, or a
 * recovery that is being tried on it.
 */
export function labProcesses(directory: string, block: string): readonly LabProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const found = labProcess(Number(name), directory, block);
      return found === undefined ? [] : [found];
    });
}

function labProcess(pid: number, directory: string, block: string): LabProcess | undefined {
  const startTicks = startedAt(pid);
  if (startTicks === undefined) return undefined;
  try {
    if (!/^(redis|valkey)/.test(basename(readlinkSync(`/proc/${pid}/exe`)))) return undefined;
    if (!`${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${directory}/`)) return undefined;
    return fromTitle(pid, startTicks, readFileSync(`/proc/${pid}/cmdline`, 'utf8'), block);
  } catch {
    return undefined;
  }
}

/** The title of redis-server is `redis-server 127.5.1.1:6379`, with ` [sentinel]` behind it for a sentinel (server.c:redisSetProcTitle). */
function fromTitle(pid: number, startTicks: string, title: string, block: string): LabProcess | undefined {
  const match = /^(\S+) (\d+\.\d+\.\d+\.\d+):(\d+)( \[sentinel\])?/.exec(title.replaceAll('\0', ' '));
  const [, name, address, port, sentinel] = match ?? [];
  if (name === undefined || address === undefined || !address.startsWith(`${block}.`)) return undefined;
  return {
    pid,
    startTicks,
    address,
    port: Number(port),
    kind: sentinel === undefined ? 'redis' : 'sentinel',
    child: /bgsave|rewrite|fork|to-slaves/.test(name),
  };
}

/** Sends a signal to exactly that process; false when it is gone. */
export function signalProcess(process_: Pick<LabProcess, 'pid' | 'startTicks'>, signal: NodeJS.Signals): boolean {
  if (startedAt(process_.pid) !== process_.startTicks) return false;
  try {
    process.kill(process_.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Waits until all of the processes are gone; throws RunbookError `lab` after `limitMs`. */
export async function untilGone(processes: readonly LabProcess[], limitMs: number): Promise<void> {
  await until('the processes to end', limitMs, async () => {
    const left = processes.filter((one) => startedAt(one.pid) === one.startTicks);
    return left.length === 0 ? holds(undefined) : notYet(`still running: ${left.map((one) => one.pid).join(', ')}`);
  });
}
