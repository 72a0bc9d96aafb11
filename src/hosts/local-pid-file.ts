import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HostEntry, NodeEntry } from '../model/inventory.js';
import { defaultLimits } from './host.js';
import { readRegular, statPath } from './local-files.js';
import { scanProcesses } from './local-process.js';
import { lookAtConfig } from './look-config.js';
import { judgePidFile, PID_FILE_BYTES, type PidFileSight } from './pid-file.js';
import { codeOf, reasonOf } from './reading.js';

/** The name of a process of this machine; undefined when there is none. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** What the pidfile of a node of this machine says. Never rejects but for the signal. */
export async function localPidFile(entry: HostEntry, node: NodeEntry, signal: AbortSignal): Promise<PidFileSight> {
  const { places } = await lookAtConfig({ entry, limits: defaultLimits, signal }, node, undefined);
  if (places === undefined || places.pidfile === '') return { is: 'none' };
  const path = places.pidfile;
  try {
    const { bytes } = await readRegular(path, PID_FILE_BYTES, signal, 'refuse');
    const owners = await Promise.all(
      [dirname(node.config), places.directory].map(async (at) => (await statPath(at)).uid),
    );
    const ours = new Set([0, process.getuid?.() ?? 0, ...owners]);
    const text = new TextDecoder().decode(bytes);
    const others = entry.nodes.filter(({ id }) => id !== node.id);
    return judgePidFile(node, { path, text }, scanProcesses(), { isOurs: (uid) => ours.has(uid), nameOf, others });
  } catch (error) {
    signal.throwIfAborted();
    if (codeOf(error) === 'ENOENT') return { is: 'none' };
    return { is: 'unreadable', says: `pidfile ${path}: ${reasonOf(error)}` };
  }
}
