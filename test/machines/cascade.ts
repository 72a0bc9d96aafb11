import { type Draw, drawFor, drawnText, type Moment } from '../../src/lab/draw.js';
import type { Persistence } from '../../src/lab/layout.js';
import { type Prng, prngOf } from '../../src/lab/prng.js';
import { readRecord, type WriteLine } from '../../src/lab/record.js';
import type { Stop } from '../../src/lab/stop.js';
import { holds, notYet } from '../../src/lab/until.js';
import { askNode } from './client.js';
import { type Fleet, type Machine, machinesOn } from './fleet.js';
import { until } from './until.js';
import { redisView, untilCaughtUp, untilSettled } from './view.js';
import { writeTo } from './writes.js';

const SETTLE_LIMIT_MS = 120_000;
const PHASES = 3;
/** Longer than the two seconds that an `everysec` AOF may lag (aof.c:flushAppendOnlyFile). */
const SETTLED_MS = 2100;

export interface CascadeOptions {
  /** `clean` = poweroff of the machine (the default), `crash` = power cut. */
  readonly stop?: Stop;
  readonly persistence: Persistence;
}

export interface Cascaded {
  /** The masters in the order in which they served. */
  readonly masters: readonly string[];
  /** The node that took the last acknowledged write. */
  readonly lastWriter: string;
  /** What the seed drew, in words. */
  readonly drawn: readonly string[];
}

/** How the cascade switches a machine off and, later, its redis on and off alone. */
export interface Switch {
  readonly off: (machine: Machine, stop: Stop) => Promise<void>;
  readonly on: (machine: Machine) => Promise<void>;
}

/**
 * Each master takes writes, its machine goes off, the sentinels that are left elect the next; after the third, all are
 * off. Whether a dead machine was booted alone once more in between, and who saved when, is drawn from the seed.
 */
export async function cascade(fleet: Fleet, power: Switch, options: CascadeOptions): Promise<Cascaded> {
  const stop = options.stop ?? 'clean';
  const draw = drawFor(fleet.seed, PHASES, options.persistence, stop);
  const prng = prngOf(fleet.seed + 1);
  const masters: Machine[] = [];
  let master = await untilSettled(fleet, SETTLE_LIMIT_MS);
  for (let phase = 1; phase <= PHASES; phase++) {
    masters.push(master);
    await writePhase(fleet, master, phase, draw, prng, stop === 'crash' && phase === PHASES);
    await untilCaughtUp(fleet, SETTLE_LIMIT_MS);
    if (phase === PHASES) break;
    const old = master;
    await power.off(old, stop);
    master = await untilSettled(fleet, SETTLE_LIMIT_MS, old.name);
  }
  const on = fleet.machines.filter((machine) => fleet.on.has(machine.name));
  await Promise.all(on.map((machine) => power.off(machine, stop)));
  const alone = draw.booted === undefined ? undefined : masters[draw.booted.phase - 1];
  if (alone !== undefined && draw.booted !== undefined) {
    await power.on(alone);
    await power.off(alone, draw.booted.stop);
  }
  const lastWriter = readRecord(fleet.directory).findLast((line) => line.type === 'write' && line.acknowledged)?.node;
  return { masters: masters.map((machine) => machine.name), lastWriter: lastWriter ?? '', drawn: drawnText(draw) };
}

async function writePhase(
  fleet: Fleet,
  master: Machine,
  phase: number,
  draw: Draw,
  prng: Prng,
  age: boolean,
): Promise<void> {
  const shape = draw.writes[phase - 1];
  if (shape === undefined) return;
  const half = Math.ceil(shape.count / 2);
  await writeTo(fleet, master, { ...shape, count: half }, prng);
  await saveAt(fleet, draw.bgsave, phase, master, 'BGSAVE');
  const second = await writeTo(fleet, master, { ...shape, count: shape.count - half }, prng);
  await saveAt(fleet, draw.rewrite, phase, master, 'BGREWRITEAOF');
  if (age) await untilOld(second.at(-1));
  await writeTo(fleet, master, { ...shape, count: age ? 10 : 5 }, prng);
}

async function saveAt(
  fleet: Fleet,
  moment: Moment | undefined,
  phase: number,
  master: Machine,
  command: 'BGSAVE' | 'BGREWRITEAOF',
): Promise<void> {
  if (moment?.phase !== phase) return;
  await untilCaughtUp(fleet, SETTLE_LIMIT_MS);
  const replica = machinesOn(fleet, 'redis').find((machine) => machine.name !== master.name);
  const machine = moment.who === 'master' ? master : (replica ?? master);
  await askNode(fleet, machine, 'redis', command);
  await until(`${machine.name} to end its ${command}`, SETTLE_LIMIT_MS, async () =>
    (await redisView(fleet, machine)).busy ? notYet('in progress') : holds(undefined),
  );
}

async function untilOld(line: WriteLine | undefined): Promise<void> {
  const since = line?.ackedAt ?? line?.sentAt ?? 0;
  await until('the writes to be older than two seconds', SETTLED_MS * 2, async () => {
    const ageMs = Date.now() - since;
    return ageMs > SETTLED_MS ? holds(undefined) : notYet(`${ageMs} ms`);
  });
}
