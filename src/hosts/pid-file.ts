import type { NodeEntry } from '../model/inventory.js';
import { processOf } from './local-nodes.js';
import type { LocalProcess, ProcessScan } from './local-process.js';
import { isServerFile, parseTitle } from './proc-formats.js';

/** More than any pid and its line end. */
export const PID_FILE_BYTES = 32;

/**
 * What a node's pidfile says, held against the processes. `node`: the node's own server, or one that tells neither its
 * address nor its config, so that only the pidfile can. `elsewhere`: a server that is another one by its own words. `other`: no server at all.
 * `gone`: no such process, which a crash leaves behind. Only `node` may ever get a signal.
 */
export type PidFileSight =
  | { readonly is: 'none' }
  | { readonly is: 'node'; readonly process: LocalProcess }
  | { readonly is: 'gone' | 'elsewhere' | 'other' | 'unreadable'; readonly says: string };

/** The number in a pidfile; undefined for anything but one number. */
function pidIn(text: string): number | undefined {
  const pid = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
  return pid === undefined || Number(pid) < 1 ? undefined : Number(pid);
}

/** Whether nothing listens that an address could name: a unix socket alone does not say whose it is. */
export function hasNoPort(process: LocalProcess): boolean {
  return process.listens.every((place) => place.startsWith('unix:'));
}

/** A server without a TCP port that names no address and no config: it starts, it ends, or its title was changed. */
function tellsNothing(process: LocalProcess): boolean {
  return (
    isServerFile(process.exe) &&
    hasNoPort(process) &&
    parseTitle(process.argv) === undefined &&
    !process.argv.slice(1).some((word) => /\.conf$/.test(word))
  );
}

/**
 * Judges a pidfile. Its text is the node's user's own, so it may say anything: 1, the pid of a neighbour, a pid that is
 * somebody else's by now. `isOurs` = whether a user may run the node; `others` = the other nodes of the host.
 */
export function judgePidFile(
  node: NodeEntry,
  file: { readonly path: string; readonly text: string },
  scan: ProcessScan,
  seen: {
    readonly isOurs: (uid: number) => boolean;
    readonly nameOf: (pid: number) => string | undefined;
    readonly others: readonly NodeEntry[];
  },
): PidFileSight {
  const pid = pidIn(file.text);
  if (pid === undefined) return { is: 'unreadable', says: `pidfile ${file.path} holds no process id` };
  const process = scan.processes.find((each) => each.pid === pid);
  const names = `pidfile ${file.path} names pid ${pid}`;
  if (process === undefined) {
    const name = seen.nameOf(pid);
    if (name === undefined) return { is: 'gone', says: `${names}, which is gone` };
    return { is: 'other', says: `${names}, which is ${name} and no server: left alone` };
  }
  if (!isServerFile(process.exe))
    return { is: 'other', says: `${names}, which is ${process.exe || 'unknown'}: left alone` };
  if (!seen.isOurs(process.uid)) {
    return { is: 'other', says: `${names}, a server of user ${process.uid}, not of ${node.id}: left alone` };
  }
  const isOf = (each: NodeEntry) => {
    const known = processOf(each, scan, { host: each.host, node: each.id, source: '/proc' });
    return known.ok && known.value?.pid === pid;
  };
  if (isOf(node)) return { is: 'node', process };
  if (tellsNothing(process) && !seen.others.some(isOf)) return { is: 'node', process };
  return { is: 'elsewhere', says: `${names}, a server that says "${process.title}"` };
}

/** What a person should know about a pidfile; a pid that is gone is what a crash leaves, and no trouble. */
export function troubleOf(sight: PidFileSight): string | undefined {
  return sight.is === 'other' || sight.is === 'elsewhere' || sight.is === 'unreadable' ? sight.says : undefined;
}
