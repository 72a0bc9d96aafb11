import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { NodeKind } from '../model/inventory.js';
import { type LabHost, portOf, startArgv, stateOf, timeZoneOf } from './layout.js';
import { type LabProcess, labProcesses, signalProcess, untilGone } from './processes.js';
import { appendRecord } from './record.js';
import { askOnce, openResp } from './resp.js';
import { type LabState, readState, writeState } from './state.js';
import { holds, notYet, until } from './until.js';

const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 30_000;

/**
 * Periods of a sentinel's timers in milliseconds for fast fleets (SENTINEL DEBUG, 7.0 and later; lost at a restart). An
 * older server refuses them and the fleet is only slower. A replica's INFO may be five ping periods old to be chosen
 * (sentinel.c:sentinelSelectSlave) and comes every second then, so a ping period of 100 made two of three elections fail.
 */
const fastPeriods = ['info-period', '200', 'ping-period', '300', 'ask-period', '100', 'publish-period', '150'];

/** The host of that name; throws RunbookError `lab`. */
export function hostOf(state: LabState, name: string): LabHost {
  const host = state.hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  throw new RunbookError('lab', `The lab has no host ${name}.`, {
    facts: [`Its hosts are ${state.hosts.map((one) => one.name).join(', ')}.`],
  });
}

/** The processes of the lab that run now, children that save or rewrite included. */
export function runningIn(state: LabState): readonly LabProcess[] {
  return labProcesses(state.directory, state.claim.block);
}

/** The hosts whose node of that kind runs now. */
export function hostsRunning(state: LabState, kind: NodeKind): readonly LabHost[] {
  const addresses = new Set(
    runningIn(state)
      .filter((one) => one.kind === kind && !one.child)
      .map((one) => one.address),
  );
  return state.hosts.filter((host) => host.runs.includes(kind) && addresses.has(host.address));
}

/** Whether a hold file keeps the node from starting: `hold/redis` or `hold/sentinel` in the host's state directory. */
export function isHeld(host: LabHost, kind: NodeKind): boolean {
  return existsSync(join(stateOf(host), 'hold', kind));
}

/** Starts a node as its machine would, and waits until it answers (a node that loads counts as answering). */
export async function startNode(state: LabState, host: LabHost, kind: NodeKind): Promise<void> {
  const [program, ...args] = startArgv(state.programs, host, kind);
  if (program === undefined) throw new RunbookError('lab', 'nothing to start');
  await launch(program, args, host);
  await until(`${host.name}'s ${kind} to answer`, START_LIMIT_MS, async () => {
    const [answer] = await pinged(state, host, kind);
    return answer === 'PONG' || /^LOADING|^MASTERDOWN/.test(errorOf(answer))
      ? holds(undefined)
      : notYet(errorOf(answer));
  });
  if (kind === 'sentinel' && state.fast) await speedUp(host);
  noteStarted(state, host, kind);
}

/** SENTINEL DEBUG periods on a running sentinel; an older server's refusal is not an error. */
async function speedUp(host: LabHost): Promise<void> {
  await askOnce(host.address, portOf('sentinel'), undefined, 'SENTINEL', 'DEBUG', ...fastPeriods).catch(
    () => undefined,
  );
}

/**
 * Sends a signal to nodes, all at once, and waits until those that it ends are gone. Ends of redis are noted in the
 * record of writes: SIGKILL as a crash, everything else that ends a process as a clean stop.
 */
export async function signalNodes(
  state: LabState,
  wanted: (host: LabHost, kind: NodeKind) => boolean,
  signal: NodeJS.Signals,
): Promise<void> {
  const hits = runningIn(state).filter((one) => {
    const host = state.hosts.find((candidate) => candidate.address === one.address);
    return host !== undefined && wanted(host, one.kind);
  });
  const at = Date.now();
  for (const one of hits) signalProcess(one, signal);
  if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
  noteEnds(state, hits, signal, at);
  await untilGone(hits, STOP_LIMIT_MS);
}

function noteEnds(state: LabState, hits: readonly LabProcess[], signal: NodeJS.Signals, at: number): void {
  const ended = hits.filter((one) => one.kind === 'redis' && !one.child);
  const how = signal === 'SIGKILL' ? 'crash' : 'clean';
  const nodes = ended.flatMap((one) => state.hosts.filter((host) => host.address === one.address));
  appendRecord(
    state.directory,
    nodes.map((host) => ({ type: 'off', node: host.name, how, at })),
  );
}

async function pinged(state: LabState, host: LabHost, kind: NodeKind) {
  const password = kind === 'redis' ? state.password : undefined;
  const client = await openResp(host.address, portOf(kind), password);
  try {
    return await client.pipeline([['PING']], 1000);
  } finally {
    client.close();
  }
}

function errorOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : String(answer);
}

function noteStarted(state: LabState, host: LabHost, kind: NodeKind): void {
  const found = runningIn(state).find((one) => one.address === host.address && one.kind === kind && !one.child);
  if (found === undefined) return;
  const now = readState(state.directory);
  const id = `${host.name}/${kind}`;
  writeState({ ...now, started: { ...now.started, [id]: { pid: found.pid, startTicks: found.startTicks } } });
}

/** The daemon's parent ends once it has forked; what it says on stderr is the only word about a bad config. */
function launch(program: string, args: readonly string[], host: LabHost): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: host.directory,
      env: { ...process.env, TZ: timeZoneOf(host.clockMinutes) },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    child.once('error', reject);
    child.once('exit', (status) => {
      child.stderr.destroy();
      if (status === 0) return resolve();
      const facts = said.split('\n').filter((line) => line.trim() !== '');
      reject(new RunbookError('lab', `${program} did not start on ${host.name} (status ${status}).`, { facts }));
    });
  });
}
