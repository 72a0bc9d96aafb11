import { type ChildProcess, spawn } from 'node:child_process';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import { type HostEntry, type NodeEntry, placeOf } from '../../model/inventory.js';
import type { Seen } from '../../model/seen.js';
import { mapSeen } from '../../model/seen.js';
import type { Service } from '../host.js';
import { holderIn, holdNode, isHoldLeftOver, releaseNode } from '../local-hold.js';
import { listenerAt, processOf } from '../local-nodes.js';
import { localPidFile } from '../local-pid-file.js';
import { exeOf, type LocalProcess, scanProcesses, stillRuns } from '../local-process.js';
import { minimalEnvironment } from '../local-run.js';
import { holdPath } from '../local-state.js';
import { makePrivateDirectory, temporaryName } from '../local-write.js';
import { troubleOf } from '../pid-file.js';
import { isServerFile } from '../proc-formats.js';
import { shellLine, shellQuote } from '../shell-quote.js';
import { titlePattern } from './service-scripts.js';

const POLL_MS = 20;
const START_LIMIT_MS = 15_000;
const SHOWN_BYTES = 4096;
const MOST_LOOKS = 3;

/**
 * The sockets and the processes of /proc are not read in one moment: one that starts or ends in between looks like a
 * socket that nobody holds. So what could not be told is looked at again.
 */
function seenProcess(entry: HostEntry, node: NodeEntry): Seen<LocalProcess | null> {
  const look = () => processOf(node, scanProcesses(), { host: entry.name, node: node.id, source: '/proc' });
  let seen = look();
  for (let again = 0; !seen.ok && again < MOST_LOOKS; again += 1) seen = look();
  return seen;
}

/** By socket, title and arguments; where these tell nothing, by the pidfile. */
async function processNow(entry: HostEntry, node: NodeEntry, signal: AbortSignal): Promise<Seen<LocalProcess | null>> {
  const seen = seenProcess(entry, node);
  if (!seen.ok || seen.value !== null) return seen;
  const named = await localPidFile(entry, node, signal);
  return named.is === 'node' ? { ...seen, value: named.process } : seen;
}

async function knownProcess(entry: HostEntry, node: NodeEntry, signal: AbortSignal): Promise<LocalProcess | null> {
  const seen = await processNow(entry, node, signal);
  if (!seen.ok) throw new RunbookError('too-little-seen', `${node.id}: ${seen.detail}`);
  return seen.value;
}

async function until(condition: () => boolean, limitMs: number, signal: AbortSignal): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() >= end) return false;
    await pause(POLL_MS, undefined, { signal });
  }
  return true;
}

async function stop(entry: HostEntry, node: NodeEntry, timeoutMs: number, signal: AbortSignal, guard: () => void) {
  signal.throwIfAborted();
  const found = await knownProcess(entry, node, signal);
  if (found === null) return 'was-stopped';
  // The pid may be another's by now: executable and start time are read again right before the signal.
  if (!isServerFile(exeOf(found.pid)) || !stillRuns(found)) {
    throw new RunbookError('changed', `${node.id}: pid ${found.pid} is no longer the server that was seen`);
  }
  guard();
  process.kill(found.pid, 'SIGTERM');
  return (await until(() => !stillRuns(found), timeoutMs, signal)) ? 'stopped' : 'still-running';
}

/** A nameless file for what the launcher writes to stderr: config errors stand there, not in the log. */
async function errorFile(entry: HostEntry): Promise<FileHandle> {
  await makePrivateDirectory(entry.state);
  const path = temporaryName(join(entry.state, 'start'));
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  return handle;
}

async function wordsIn(errors: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await errors.read(new Uint8Array(SHOWN_BYTES), 0, SHOWN_BYTES, 0);
  return new TextDecoder().decode(buffer.subarray(0, bytesRead)).trim();
}

/** Resolves once the program runs; a program that cannot be run is an 'error', not an exit. */
function launched(child: ChildProcess, node: NodeEntry): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      reject(new RunbookError('incomplete', `${node.id} cannot be started: ${error.message}`));
    });
  });
}

function listens(entry: HostEntry, node: NodeEntry): boolean {
  const { address, port } = placeOf(node);
  return listenerAt(address, port, entry.name, scanProcesses()).kind === 'server';
}

async function awaitStart(
  entry: HostEntry,
  node: NodeEntry,
  child: ChildProcess,
  errors: FileHandle,
  signal: AbortSignal,
): Promise<void> {
  // A launcher that daemonizes exits 0 before its child listens (server.c:main), so an exit of 0 alone proves nothing.
  const failed = () => (child.exitCode !== null && child.exitCode !== 0) || child.signalCode !== null;
  const up = await until(() => failed() || listens(entry, node), START_LIMIT_MS, signal);
  if (up && !failed()) return;
  const words = await wordsIn(errors);
  const how = failed() ? `ended with ${child.signalCode ?? child.exitCode}` : 'does not listen';
  throw new RunbookError('incomplete', `${node.id} was started and ${how}`, { facts: words === '' ? [] : [words] });
}

async function start(entry: HostEntry, node: NodeEntry, signal: AbortSignal, guard: () => void): Promise<void> {
  signal.throwIfAborted();
  const held = await holderIn(entry, node, signal);
  if (!held.ok) throw new RunbookError('locked', `${node.id} may be held: ${held.detail}`);
  if (held.value) throw new RunbookError('locked', `${node.id} is held by run ${held.value.run}: it is not started`);
  if ((await knownProcess(entry, node, signal)) !== null) return;
  const [program, ...args] = node.start;
  if (program === undefined) throw new RunbookError('fleet-file', `${node.id} has no start command`);
  const errors = await errorFile(entry);
  try {
    guard();
    const child = spawn(program, args, {
      cwd: dirname(node.config),
      detached: true,
      env: minimalEnvironment(),
      stdio: ['ignore', 'ignore', errors.fd],
    });
    await launched(child, node);
    child.unref();
    await awaitStart(entry, node, child, errors, signal);
  } finally {
    await errors.close();
  }
}

function saysFor(entry: HostEntry, node: NodeEntry): Service['says'] {
  const hold = holdPath(entry, node);
  return {
    stop: `kill -TERM "$(${shellLine(['pgrep', '-f', titlePattern(node)])})"`,
    start: shellLine(node.start),
    hold: `mkdir -p -m 700 ${shellQuote(dirname(hold))} && echo '{"run":"by-hand"}' > ${shellQuote(hold)}`,
    release: shellLine(['rm', hold]),
  };
}

/**
 * Nodes that are plain processes: nothing starts them but whoever runs their start command, so a hold is a file that
 * our own start honours; it survives a power cut. Stopping is SIGTERM to the very process that was seen. `guard` is asked
 * right before anything is changed; what it throws stops it.
 */
export function processService(entry: HostEntry, node: NodeEntry, guard: () => void = () => undefined): Service {
  return {
    pid: async (signal) => mapSeen(await processNow(entry, node, signal), (found) => found?.pid ?? null),
    hold: (run, signal) => holdNode(entry, node, run, signal, guard),
    release: (run, signal) => releaseNode(entry, node, run, signal, guard),
    holder: (signal) => holderIn(entry, node, signal),
    holdLeftOver: () => isHoldLeftOver(entry, node),
    manager: async () => ({ kind: 'process', declared: true, says: 'on this machine' }),
    pidFileTrouble: async (signal) => troubleOf(await localPidFile(entry, node, signal)),
    stop: (timeoutMs, signal) => stop(entry, node, timeoutMs, signal, guard),
    start: (signal) => start(entry, node, signal, guard),
    says: saysFor(entry, node),
  };
}
