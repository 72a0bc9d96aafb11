import { readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { Draw } from '../draw.js';
import type { LabHost } from '../layout.js';
import { hostsRunning, runningIn } from '../nodes.js';
import { lastWriter } from '../phases.js';
import { prngOf } from '../prng.js';
import { type LabState, readState, writeState } from '../state.js';
import type { Stop } from '../stop.js';
import { allDown, cascade } from './cascade.js';
import { drift } from './drift.js';
import { rebornEmpty, shrunk } from './emptied.js';
import { replicaFirst, stuckFailover } from './failover.js';
import type { Scenario } from './scenario.js';
import { duplicateMyid, sentinelsDisagree, staleSentinel, unknownSentinel } from './sentinels.js';
import { sharedSentinels } from './shared.js';
import { possibleTail, splitBrain } from './split.js';
import { tornAof } from './torn.js';

/** Seeds that follow each other begin their streams far apart. */
const SPREAD = 0x9e3779b1;

/** Every disaster that a lab can be broken by. */
const scenarios: readonly Scenario[] = [
  cascade,
  allDown,
  splitBrain,
  possibleTail,
  rebornEmpty,
  shrunk,
  tornAof,
  staleSentinel,
  sentinelsDisagree,
  duplicateMyid,
  unknownSentinel,
  replicaFirst,
  stuckFailover,
  drift,
  sharedSentinels,
];

export interface BreakOptions {
  /** The name of one of `scenarios`. */
  readonly scenario: string;
  /** `clean` = SIGTERM, as a machine that is shut down; `crash` = SIGKILL. The scenario's own, unless given. */
  readonly stop?: Stop;
}

export interface Broken {
  readonly scenario: string;
  readonly stop: Stop;
  readonly draw?: Draw;
  /** What the seed drew that changes what is right to do, one word each. */
  readonly traits: readonly string[];
  /** What the seed drew, in words. */
  readonly drawn: readonly string[];
  /** The masters in the order in which they served. */
  readonly masters: readonly string[];
  /** The node that took the last acknowledged write. */
  readonly lastWriter: string;
  readonly elapsedMs: number;
}

/** The scenario of that name; throws RunbookError `usage` with the names that there are. */
export function scenarioOf(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new RunbookError('usage', `There is no scenario ${JSON.stringify(name)}.`, {
    facts: scenarios.map((one) => `${one.name}: ${one.says}`),
  });
}

/** Breaks a healthy lab by real writes, real kills and real failovers, all of it recorded. */
export async function breakLab(state: LabState, options: BreakOptions, say: (line: string) => void): Promise<Broken> {
  const began = Date.now();
  const scenario = scenarioOf(options.scenario);
  const stop = options.stop ?? scenario.stop;
  assertCanBreak(state, scenario);
  for (const line of [`seed ${state.seed}`, clocksText(state)]) say(line);
  const done = await scenario.make({ state, prng: prngOf(state.seed * SPREAD), stop, say });
  for (const host of state.hosts) shiftTimes(host);
  const drawn = [...done.drawn, clocksText(state)];
  writeState({ ...readState(state.directory), broken: { scenario: scenario.name, drawn } });
  const left = scenario.endsOff ? runningIn(state) : [];
  if (left.length > 0) throw new RunbookError('lab', `${left.length} processes of the lab are still running.`);
  return {
    scenario: scenario.name,
    stop,
    ...(done.draw === undefined ? {} : { draw: done.draw }),
    traits: done.traits ?? [],
    drawn,
    masters: done.masters.map((host) => host.name),
    lastWriter: lastWriter(state.directory) ?? '',
    elapsedMs: Date.now() - began,
  };
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

function clocksText(state: LabState): string {
  const clocks = state.hosts.map((host) => `${host.name} ${host.clockMinutes >= 0 ? '+' : ''}${host.clockMinutes} min`);
  return `clocks: ${clocks.join(', ')}`;
}

function assertCanBreak(state: LabState, scenario: Scenario): void {
  const again = { next: ['redis-runbook lab down', 'redis-runbook lab up'] };
  if (state.broken !== undefined) {
    throw new RunbookError('lab', `This lab was broken before (${state.broken.scenario}).`, again);
  }
  if (hostsRunning(state, 'redis').length < scenario.redis) {
    throw new RunbookError('lab', `The scenario needs ${scenario.redis} running redis nodes.`, again);
  }
  if (!scenario.persistence.includes(state.persistence)) {
    throw new RunbookError('lab', `The scenario needs --persistence ${scenario.persistence.join(' or ')}.`, again);
  }
  const sentinels = state.hosts.filter((host) => host.runs.includes('sentinel')).length;
  const together = state.hosts.filter((host) => host.runs.length === 2).length;
  const left = sentinels - Math.min(together, scenario.offAtElection);
  if (scenario.offAtElection > 0 && (left < Math.floor(sentinels / 2) + 1 || left < state.quorum)) {
    throw new RunbookError('lab', `With ${sentinels} sentinels no majority is left for the last failover.`, {
      facts: [`${left} would be left; use --sentinels 5 or more.`],
    });
  }
}
