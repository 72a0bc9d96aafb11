import { RunbookError } from '../../errors.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { HostProbe, HostRights, ReachProbe } from '../../model/readiness.js';
import type { Channel } from '../channel.js';
import { ForwardRefused } from '../forwarded.js';
import { codeOf, reasonOf } from '../reading.js';
import { neededTools } from './needed-tools.js';
import { type MachineAnswer, readMachine, readPlaces } from './probe-answers.js';
import { PROBE_MACHINE, PROBE_PLACES } from './probe-script.js';
import { textOf } from './script.js';
import type { Shell } from './sudo.js';

const OPTIONS = { timeoutMs: 20_000, limitBytes: 1024 * 1024 };
const REACH_TIMEOUT_MS = 5000;

/** Whether one port can be reached through the host; nothing is sent there. */
export type Reach = (node: NodeEntry, signal: AbortSignal) => Promise<ReachProbe>;

/** `Reach` by what opens connections from the host, which closes what it opened. */
export function reachBy(connect: Channel['forward']): Reach {
  return async ({ id: node, address, port }, signal) => {
    try {
      const stream = await connect(address, port, AbortSignal.any([signal, AbortSignal.timeout(REACH_TIMEOUT_MS)]));
      stream.destroy();
      return { node, state: 'open', says: `${address}:${port}` };
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof ForwardRefused ? error.code : codeOf(error);
      const state = code === 'EACCES' ? 'forbidden' : code === 'ECONNREFUSED' ? 'nothing-listens' : 'failed';
      return { node, state, says: reasonOf(error) };
    }
  };
}

/**
 * Logs in, and finds out what the login may become; a sudo that asks for a password is tried with one where a person can
 * be asked. Rejects as the channel does when there is no login.
 */
export async function rightsOn(shell: Shell, canAsk: boolean, signal: AbortSignal): Promise<HostRights> {
  const { user, uid, sudo } = await shell.rights(signal);
  if (typeof sudo === 'object') return { user, uid, sudo: 'refused', sudoSays: sudo.refused };
  if (sudo !== 'asks') return { user, uid, sudo };
  if (!canAsk) return { user, uid, sudo: 'needs-password' };
  try {
    await shell.exec({ script: 'id -u', args: [] }, OPTIONS, signal);
    return { user, uid, sudo: 'with-password' };
  } catch (error) {
    signal.throwIfAborted();
    return { user, uid, sudo: 'refused', sudoSays: wordsOf(error) };
  }
}

/** sudo's own words stand first among the facts. */
function wordsOf(error: unknown): string {
  const first = error instanceof RunbookError ? error.facts[0] : undefined;
  return first?.replace(/^sudo says: /, '') ?? reasonOf(error);
}

async function machineOn(shell: Shell, entry: HostEntry, signal: AbortSignal): Promise<MachineAnswer> {
  const ask = async (tools: readonly string[]) => {
    const script = { script: PROBE_MACHINE, args: [tools.join(' ')] };
    return readMachine(textOf((await shell.plain(script, OPTIONS, signal)).stdout));
  };
  const answer = await ask(neededTools(entry, true));
  // Without systemd its tools are not missed.
  const needed = new Set(neededTools(entry, answer.systemd));
  return { ...answer, missing: answer.missing.filter((tool) => needed.has(tool)) };
}

/**
 * What a recovery will need of a machine: tools, servers, the directories that it writes to, the ports of its nodes.
 * `mayBecome`: the directories are looked at as root. Writes nothing, sends nothing to a node.
 */
export async function probeOver(
  shell: Shell,
  reach: Reach,
  entry: HostEntry,
  request: { readonly directories: readonly string[]; readonly mayBecome: boolean },
  signal: AbortSignal,
): Promise<HostProbe> {
  const places = { script: PROBE_PLACES, args: request.directories };
  const [machine, seen, reached] = await Promise.all([
    machineOn(shell, entry, signal),
    request.mayBecome ? shell.exec(places, OPTIONS, signal) : shell.plain(places, OPTIONS, signal),
    Promise.all(entry.nodes.map((node) => reach(node, signal))),
  ]);
  return {
    missingTools: machine.missing,
    programs: machine.programs,
    places: readPlaces(textOf(seen.stdout), request.directories, machine.mounts),
    reach: reached,
  };
}
