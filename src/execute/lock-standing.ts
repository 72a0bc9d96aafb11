import { isHere, isProvenDead, isStopped, type ProcessIdentity } from '../hosts/process-identity.js';
import type { LockFile } from './lock-file.js';

/** Without a sign of life for this long a holder is dead, where nothing better is known of it. */
export const DEAD_AFTER_S = 90;

/**
 * What stands behind a lock: a process that lives, one that is dead, or none (`ended`: the run stopped in order and left
 * its lock for whoever goes on).
 */
export interface Standing {
  readonly is: 'living' | 'dead' | 'ended';
  readonly says: string;
}

/**
 * Who stands behind a lock. `ageSeconds`: of its youngest sign of life on any host, by that host's own clock; undefined
 * when it could not be seen, which is no proof of death. A process of this machine is looked at itself: one that runs is
 * living however old its last sign is, one that is stopped counts by its signs of life.
 */
export async function standingOf(
  file: LockFile,
  ageSeconds: number | undefined,
  me: ProcessIdentity,
): Promise<Standing> {
  if (file.pid === 0) return { is: 'ended', says: 'it stopped in order, and no process stands behind it' };
  const sign =
    ageSeconds === undefined ? 'its last sign of life could not be seen' : `last sign of life ${ago(ageSeconds)}`;
  const other = file.process;
  if (other !== undefined && (await isProvenDead(other, me))) {
    return { is: 'dead', says: `its process ${other.pid} on ${other.host} has ended; ${sign}` };
  }
  const stopped = other !== undefined && (await isStopped(other, me));
  if (other !== undefined && isHere(other, me) && !stopped) {
    return { is: 'living', says: `its process ${other.pid} runs on this machine; ${sign}` };
  }
  const is = ageSeconds === undefined || ageSeconds <= DEAD_AFTER_S ? 'living' : 'dead';
  return { is, says: stopped ? `its process ${other?.pid} is stopped (SIGSTOP, Ctrl-Z); ${sign}` : sign };
}

/** `4 s ago`, `38 min ago`, `5 h ago` */
function ago(seconds: number): string {
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}

/**
 * Whether a lock may be taken without being asked: it was handed over to this operator, or nobody stands behind it any
 * more and it is this operator's own, on this machine. Only there can a dead process be told from one that is out of sight.
 */
export async function isLeftBehind(file: LockFile, who: string, me: ProcessIdentity): Promise<boolean> {
  if (file.to !== undefined && file.pid === 0) return isFor(file.to, who);
  if (file.who !== who) return false;
  return file.pid === 0 || (file.process !== undefined && (await isProvenDead(file.process, me)));
}

/** Whether `to` (a user's name, or `user@machine`) means this operator. */
export function isFor(to: string, who: string): boolean {
  return to === who || to === who.split('@')[0];
}
