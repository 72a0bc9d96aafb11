import { dirname } from 'node:path';
import { RunbookError } from '../../errors.js';
import { type HostEntry, type NodeEntry, placeOf } from '../../model/inventory.js';
import { mapSeen } from '../../model/seen.js';
import type { Service } from '../host.js';
import type { LocalProcess } from '../local-process.js';
import { holdPath } from '../local-state.js';
import { troubleOf } from '../pid-file.js';
import { shellLine, shellQuote } from '../shell-quote.js';
import { dropHold, holderOn, isHeldBy, refuseHeld, takeHold } from './hold-file.js';
import {
  listeningPattern,
  NOT_LISTENING,
  OTHER_PROCESS,
  PORT_TAKEN,
  START_PROCESS,
  STILL_RUNNING,
  STOP_PROCESS,
  titlePattern,
} from './service-scripts.js';
import { command, type ServiceTools, START_LIMIT_S, startError } from './service-tools.js';

/** The process that is the node. Throws RunbookError `too-little-seen` when that cannot be seen. */
export async function knownProcess(
  tools: ServiceTools,
  node: NodeEntry,
  signal: AbortSignal,
): Promise<LocalProcess | null> {
  const seen = await tools.processes.of(node, signal);
  if (!seen.ok) throw new RunbookError('too-little-seen', `${node.id}: ${seen.detail}`);
  return seen.value;
}

/** Seconds for the host, never less than one. */
export function secondsOf(timeoutMs: number): number {
  return Math.max(1, Math.ceil(timeoutMs / 1000));
}

/** SIGTERM to the very process that was seen, and the wait for its end. */
export async function stopProcess(
  tools: ServiceTools,
  node: NodeEntry,
  found: LocalProcess,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<'stopped' | 'still-running'> {
  const seconds = secondsOf(timeoutMs);
  const args = [String(found.pid), String(found.startTicks), String(seconds), listeningPattern(node)];
  const { status } = await command(tools, { script: STOP_PROCESS, args }, seconds, signal);
  if (status === OTHER_PROCESS) {
    throw new RunbookError('changed', `${node.id}: pid ${found.pid} is no longer the server that was seen`);
  }
  return status === STILL_RUNNING ? 'still-running' : 'stopped';
}

async function stop(tools: ServiceTools, node: NodeEntry, timeoutMs: number, signal: AbortSignal) {
  signal.throwIfAborted();
  const found = await knownProcess(tools, node, signal);
  return found === null ? 'was-stopped' : stopProcess(tools, node, found, timeoutMs, signal);
}

/** The port is open, but not for the node: said before anything is started. */
export async function portTaken(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<RunbookError> {
  const place = placeOf(node);
  const listener = await tools.processes.listener(place.address, place.port, signal);
  const says =
    listener.kind === 'server'
      ? `port ${node.port} is held by a server of user ${listener.process.uid} (pid ${listener.process.pid})`
      : listener.kind === 'none'
        ? `port ${node.port} was in use a moment ago`
        : listener.says;
  return new RunbookError('incomplete', `${node.id} cannot be started: ${says}`);
}

async function start(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const [found] = await Promise.all([knownProcess(tools, node, signal), refuseHeld({ ...tools, node }, signal)]);
  if (found !== null) return;
  if (node.start.length === 0) throw new RunbookError('fleet-file', `${node.id} has no start command`);
  const was = tools.processes.lastUser(node);
  const facts = [node.config, was === undefined ? '' : String(was), tools.entry.state, listeningPattern(node)];
  const args = [...facts, String(START_LIMIT_S), ...node.start];
  const { status, said } = await command(tools, { script: START_PROCESS, args }, START_LIMIT_S, signal);
  if (status === PORT_TAKEN) throw await portTaken(tools, node, signal);
  if (status === NOT_LISTENING) throw await startError(tools, node, `it does not listen\n${said}`, signal);
  if (status !== 0) throw await startError(tools, node, said, signal);
}

/** The commands by hand for a node that is a plain process; as root where fleet.yaml says `become: sudo`. */
export function processSays(entry: HostEntry, node: NodeEntry): Service['says'] {
  const hold = holdPath(entry, node);
  const root = entry.become === 'sudo' ? 'sudo ' : '';
  const makeHold = `mkdir -p -m 700 ${shellQuote(dirname(hold))} && echo '{"run":"by-hand"}' > ${shellQuote(hold)}`;
  return {
    stop: `${root}kill -TERM "$(${shellLine(['pgrep', '-f', titlePattern(node)])})"`,
    start: shellLine(node.start),
    hold: root === '' ? makeHold : `sudo sh -c ${shellQuote(makeHold)}`,
    release: `${root}${shellLine(['rm', hold])}`,
  };
}

/**
 * Nodes of another machine that are plain processes: as `processService` is for this one. Found by listening socket,
 * title and arguments; verified to be a server right before the signal; started again as the user that they ran as.
 */
export function remoteProcessService(tools: ServiceTools, node: NodeEntry): Service {
  const place = { ...tools, node };
  return {
    pid: async (signal) => mapSeen(await tools.processes.of(node, signal), (found) => found?.pid ?? null),
    hold: (run, signal) => takeHold(place, run, signal),
    release: async (run, signal) => {
      if (await isHeldBy(place, run, signal)) await dropHold(place, signal);
    },
    holder: (signal) => holderOn(place, signal),
    pidFileTrouble: async (signal) => troubleOf(await tools.processes.pidFile(node, signal)),
    stop: (timeoutMs, signal) => stop(tools, node, timeoutMs, signal),
    start: (signal) => start(tools, node, signal),
    says: processSays(tools.entry, node),
  };
}
