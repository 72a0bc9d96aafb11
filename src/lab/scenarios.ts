import { readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import { type Draw, drawFor, drawnText, type Stop } from './draw.js';
import type { LabHost } from './layout.js';
import { hostsRunning, runningIn, signalNodes, startNode } from './nodes.js';
import { lastWriter, untilCaughtUp, writePhase } from './phases.js';
import { prngOf } from './prng.js';
import { type LabState, readState, writeState } from './state.js';
import { untilSettled } from './view.js';

export const scenarios = ['cascade', 'all-down'] as const;
export type Scenario = (typeof scenarios)[number];

export interface BreakOptions {
  readonly scenario: Scenario;
  /** `clean` = SIGTERM, as a machine that is shut down; `crash` = SIGKILL. Cascade: clean, all-down: crash, unless given. */
  readonly stop?: Stop;
}

export interface Broken {
  readonly scenario: Scenario;
  readonly stop: Stop;
  readonly draw: Draw;
  /** What the seed drew, in words. */
  readonly drawn: readonly string[];
  /** The masters in the order in which they served. */
  readonly masters: readonly string[];
  /** The node that took the last acknowledged write. */
  readonly lastWriter: string;
  readonly elapsedMs: number;
}

const SETTLE_LIMIT_MS = 60_000;
const CASCADE_MASTERS = 3;

/** Breaks a healthy lab by real writes, real kills and real failovers; afterwards nothing of it runs. */
export async function breakLab(state: LabState, options: BreakOptions, say: (line: string) => void): Promise<Broken> {
  const began = Date.now();
  const stop = options.stop ?? (options.scenario === 'cascade' ? 'clean' : 'crash');
  const phases = options.scenario === 'cascade' ? CASCADE_MASTERS : 1;
  assertCanBreak(state, phases);
  const draw = drawFor(state.seed, phases, state.persistence, stop);
  const drawn = [...drawnText(draw), clocksText(state)];
  for (const line of [`seed ${state.seed}`, ...drawn]) say(line);
  const masters = await serveInTurn(state, draw, stop, phases, say);
  say(`everything off (${stop})`);
  await signalNodes(state, () => true, signalOf(stop));
  await bootAgain(state, draw, masters, say);
  for (const host of state.hosts) shiftTimes(host);
  writeState({ ...readState(state.directory), broken: { scenario: options.scenario, drawn } });
  const left = runningIn(state);
  if (left.length > 0) throw new RunbookError('lab', `${left.length} processes of the lab are still running.`);
  return {
    scenario: options.scenario,
    stop,
    draw,
    drawn,
    masters: masters.map((host) => host.name),
    lastWriter: lastWriter(state.directory) ?? '',
    elapsedMs: Date.now() - began,
  };
}

/** Each phase: writes, then the master's machine goes off and the sentinels that are left elect the next. */
async function serveInTurn(
  state: LabState,
  draw: Draw,
  stop: Stop,
  phases: number,
  say: (line: string) => void,
): Promise<readonly LabHost[]> {
  const prng = prngOf(state.seed + 1);
  const masters: LabHost[] = [];
  let master = await untilSettled(state, SETTLE_LIMIT_MS);
  for (let phase = 1; phase <= phases; phase++) {
    masters.push(master);
    const lines = await writePhase(state, master, phase, draw, prng, stop === 'crash' && phase === phases);
    say(
      `${master.name} took ${lines.length} writes (${lines.filter((line) => line.acknowledged).length} acknowledged)`,
    );
    await untilCaughtUp(state, master, SETTLE_LIMIT_MS);
    if (phase === phases) break;
    master = await turnOff(state, master, stop, say);
  }
  return masters;
}

async function turnOff(state: LabState, old: LabHost, stop: Stop, say: (line: string) => void): Promise<LabHost> {
  const began = Date.now();
  await signalNodes(state, (host) => host.name === old.name, signalOf(stop));
  const next = await untilSettled(state, SETTLE_LIMIT_MS, old.name);
  say(
    `${old.name} off (${stop}); the sentinels elected ${next.name} after ${((Date.now() - began) / 1000).toFixed(1)} s`,
  );
  return next;
}

/** A dead node that somebody starts to have a look: its redis alone, no sentinel, and off again. */
async function bootAgain(
  state: LabState,
  draw: Draw,
  masters: readonly LabHost[],
  say: (line: string) => void,
): Promise<void> {
  const host = draw.booted === undefined ? undefined : masters[draw.booted.phase - 1];
  if (host === undefined || draw.booted === undefined) return;
  await startNode(state, host, 'redis');
  await signalNodes(state, (one) => one.name === host.name, signalOf(draw.booted.stop));
  say(`${host.name} was started alone and stopped again (${draw.booted.stop})`);
}

/** The host's own clock wrote the times of its files. */
function shiftTimes(host: LabHost): void {
  if (host.clockMinutes === 0) return;
  for (const entry of readdirSync(host.directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith(join(host.directory, 'state'))) continue;
    const stat = statSync(path);
    utimesSync(path, stat.atime, new Date(stat.mtimeMs + host.clockMinutes * 60_000));
  }
}

export function signalOf(stop: Stop): NodeJS.Signals {
  return stop === 'clean' ? 'SIGTERM' : 'SIGKILL';
}

function clocksText(state: LabState): string {
  const clocks = state.hosts.map((host) => `${host.name} ${host.clockMinutes >= 0 ? '+' : ''}${host.clockMinutes} min`);
  return `clocks: ${clocks.join(', ')}`;
}

function assertCanBreak(state: LabState, phases: number): void {
  const again = { next: ['redis-runbook lab down', 'redis-runbook lab up'] };
  if (state.broken !== undefined) {
    throw new RunbookError('lab', `This lab was broken before (${state.broken.scenario}).`, again);
  }
  if (hostsRunning(state, 'redis').length < phases) {
    throw new RunbookError('lab', `The scenario needs ${phases} running redis nodes.`, again);
  }
  const sentinels = state.hosts.filter((host) => host.runs.includes('sentinel')).length;
  const together = state.hosts.filter((host) => host.runs.length === 2).length;
  const left = sentinels - Math.min(together, phases - 1);
  if (phases > 1 && (left < Math.floor(sentinels / 2) + 1 || left < state.quorum)) {
    throw new RunbookError('lab', `With ${sentinels} sentinels no majority is left for the last failover.`, {
      facts: [`${left} would be left; use --sentinels 5 or more.`],
    });
  }
}
