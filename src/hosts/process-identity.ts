import { readFile, readlink } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { z } from 'zod';
import { parseStat } from './proc-formats.js';

const text = z.string().max(300).optional();

/** One process, so that nobody mistakes another for it: what a lock says of its holder. */
export const identitySchema = z.strictObject({
  pid: z.int().positive(),
  host: z.string().max(300),
  user: z.string().max(300),
  /** Of the machine (machine-id(5)), the boot, and the namespace that the pid counts in; missing where the system has none. */
  machine: text,
  boot: text,
  pidNamespace: text,
  /** Clock ticks after boot when the process began: a pid used again has another. */
  startTicks: text,
});

export type ProcessIdentity = z.infer<typeof identitySchema>;

/** This process. */
export async function myIdentity(): Promise<ProcessIdentity> {
  const [machine, boot, pidNamespace, stat] = await Promise.all([
    readText('/etc/machine-id'),
    readText('/proc/sys/kernel/random/boot_id'),
    readlink('/proc/self/ns/pid').catch(() => undefined),
    readText(`/proc/${process.pid}/stat`),
  ]);
  const startTicks = stat === undefined ? undefined : parseStat(stat)?.startTicks.toString();
  const said = { machine, boot, pidNamespace, startTicks };
  const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return { pid: process.pid, host: hostname(), user: userInfo().username, ...known };
}

/**
 * Whether it is proven that a process is no more: its machine has been started again since, or there is no process of
 * its pid that began when it did. A process of another machine or pid namespace is never proven dead.
 */
export async function isProvenDead(other: ProcessIdentity, me: ProcessIdentity): Promise<boolean> {
  if (other.boot === undefined || me.boot === undefined) return other.host === me.host && !answers(other.pid);
  if (other.boot !== me.boot) {
    return other.machine !== undefined && other.machine === me.machine && other.host === me.host;
  }
  if (other.pidNamespace !== me.pidNamespace || other.startTicks === undefined) return false;
  // A process that hides in /proc (hidepid) still answers a signal: what cannot be seen is not yet dead.
  if (!answers(other.pid)) return true;
  const stat = await readText(`/proc/${other.pid}/stat`);
  const now = stat === undefined ? undefined : parseStat(stat);
  if (now === undefined) return false;
  return now.startTicks.toString() !== other.startTicks || now.state === 'Z' || now.state === 'X';
}

/** Whether the process is one of this machine that is stopped (SIGSTOP, Ctrl-Z): it is there, and does nothing. */
export async function isStopped(other: ProcessIdentity, me: ProcessIdentity): Promise<boolean> {
  if (other.boot === undefined || other.boot !== me.boot || other.pidNamespace !== me.pidNamespace) return false;
  const stat = await readText(`/proc/${other.pid}/stat`);
  const now = stat === undefined ? undefined : parseStat(stat);
  return now !== undefined && now.startTicks.toString() === other.startTicks && /^[Tt]$/.test(now.state);
}

/** Whether a process can be looked at from here: same boot, same pid namespace. */
export function isHere(other: ProcessIdentity, me: ProcessIdentity): boolean {
  return other.boot !== undefined && other.boot === me.boot && other.pidNamespace === me.pidNamespace;
}

/** Whether any process has this pid, also one that may not be looked at. */
function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

async function readText(path: string): Promise<string | undefined> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  return content === undefined || content.trim() === '' ? undefined : content.trim();
}
