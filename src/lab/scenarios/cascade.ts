import { type Draw, drawFor, drawnText } from '../draw.js';
import type { LabHost } from '../layout.js';
import { signalNodes, startNode } from '../nodes.js';
import { untilCaughtUp, writePhase } from '../phases.js';
import { prngOf } from '../prng.js';
import type { LabState } from '../state.js';
import { type Stop, signalOf } from '../stop.js';
import { SETTLE_LIMIT_MS, untilSettled } from '../view.js';
import type { Breaking, Done, Scenario } from './scenario.js';

/** Three masters in turn, each turned off after its writes; then everything is off. */
export const cascade: Scenario = {
  name: 'cascade',
  says: 'three masters in turn, each shut down; then everything is off',
  stop: 'clean',
  redis: 3,
  offAtElection: 2,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: true,
  make: (breaking) => offInTurn(breaking, 3),
};

/** One power cut for all. */
export const allDown: Scenario = {
  name: 'all-down',
  says: 'one power cut for all machines',
  stop: 'crash',
  redis: 1,
  offAtElection: 0,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: true,
  make: (breaking) => offInTurn(breaking, 1),
};

async function offInTurn({ state, stop, say }: Breaking, phases: number): Promise<Done> {
  const draw = drawFor(state.seed, phases, state.persistence, stop);
  const drawn = drawnText(draw);
  for (const line of drawn) say(line);
  const masters = await serveInTurn(state, draw, stop, phases, say);
  say(`everything off (${stop})`);
  await signalNodes(state, () => true, signalOf(stop));
  await bootAgain(state, draw, masters, say);
  return { masters, drawn, draw };
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
