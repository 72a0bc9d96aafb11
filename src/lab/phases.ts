import type { Draw, Moment } from './draw.js';
import { type LabHost, redisPort } from './layout.js';
import { hostsRunning } from './nodes.js';
import type { Prng } from './prng.js';
import { readRecord, type WriteLine } from './record.js';
import { askOnce } from './resp.js';
import type { LabState } from './state.js';
import { holds, notYet, until } from './until.js';
import { redisView } from './view.js';
import { writeTo } from './writer.js';

/** Longer than the two seconds that an `everysec` AOF may lag, so that writes before a crash count as promised. */
const SETTLED_MS = 2100;
const SAVE_LIMIT_MS = 30_000;

/**
 * The writes of one phase on its master, with the save and the AOF rewrite that were drawn for it in the middle. With
 * `age`, the first half is older than two seconds before the second begins.
 */
export async function writePhase(
  state: LabState,
  master: LabHost,
  phase: number,
  draw: Draw,
  prng: Prng,
  age: boolean,
): Promise<readonly WriteLine[]> {
  const shape = draw.writes[phase - 1];
  if (shape === undefined) return [];
  const half = Math.ceil(shape.count / 2);
  const first = await writeTo(state, master, { ...shape, count: half }, prng);
  await saveAt(state, draw.bgsave, phase, master, 'BGSAVE');
  const second = await writeTo(state, master, { ...shape, count: shape.count - half }, prng);
  await saveAt(state, draw.rewrite, phase, master, 'BGREWRITEAOF');
  if (age) await untilOld(second.at(-1));
  const last = await writeTo(state, master, { ...shape, count: age ? 10 : 5 }, prng);
  return [...first, ...second, ...last];
}

/** Waits until every redis that runs, but for the hosts that are `apart`, has what the master has. */
export async function untilCaughtUp(
  state: LabState,
  master: LabHost,
  limitMs: number,
  apart: readonly string[] = [],
): Promise<void> {
  const { replicas } = await redisView(state, master);
  if (replicas === 0) return;
  const running = hostsRunning(state, 'redis').filter((host) => !apart.includes(host.name));
  await until(`${replicas} replicas to have all of ${master.name}`, limitMs, async () => {
    const offsets = await Promise.all(
      running.map(async (host) => {
        const role = await askOnce(host.address, redisPort, state.password, 'ROLE');
        return Array.isArray(role) ? String(role[0] === 'master' ? role[1] : role[4]) : '';
      }),
    );
    return new Set(offsets).size === 1 ? holds(undefined) : notYet(offsets.join(', '));
  });
}

async function saveAt(
  state: LabState,
  moment: Moment | undefined,
  phase: number,
  master: LabHost,
  command: 'BGSAVE' | 'BGREWRITEAOF',
): Promise<void> {
  if (moment?.phase !== phase) return;
  await untilCaughtUp(state, master, SAVE_LIMIT_MS);
  const others = hostsRunning(state, 'redis').filter((host) => host.name !== master.name);
  const host = moment.who === 'master' ? master : (others[0] ?? master);
  await askOnce(host.address, redisPort, state.password, command);
  await until(`${host.name} to end its ${command}`, SAVE_LIMIT_MS, async () => {
    const view = await redisView(state, host);
    return view.saving ? notYet('in progress') : holds(undefined);
  });
}

/** Waits until the write is older than an `everysec` AOF may lag: it counts as promised. */
export async function untilOld(line: WriteLine | undefined): Promise<void> {
  const since = line?.ackedAt ?? line?.sentAt ?? 0;
  await until('the writes to be older than two seconds', SETTLED_MS * 2, async () => {
    const ageMs = Date.now() - since;
    return ageMs > SETTLED_MS ? holds(undefined) : notYet(`${ageMs} ms`);
  });
}

/** The node that took the last acknowledged write of the record. */
export function lastWriter(directory: string): string | undefined {
  return readRecord(directory).findLast((line) => line.type === 'write' && line.acknowledged)?.node;
}
