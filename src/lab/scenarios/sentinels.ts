import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { fleetYaml } from '../fleet-texts.js';
import type { LabHost } from '../layout.js';
import { hostsRunning, startNode } from '../nodes.js';
import { untilCaughtUp } from '../phases.js';
import type { LabState } from '../state.js';
import { holds, notYet, until } from '../until.js';
import { SETTLE_LIMIT_MS, sentinelView, untilSettled } from '../view.js';
import { inTurn, othersRunning, sharedWrites, turnOff, writeSome } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';
import {
  editMaster,
  followByHand,
  moveMaster,
  readSentinel,
  sentinelHosts,
  sentinelOnly,
  stopSentinels,
  untilNames,
  writeSentinel,
} from './sentinel-hand.js';

const base = {
  stop: 'clean',
  redis: 3,
  offAtElection: 0,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: false,
} as const satisfies Partial<Scenario>;

/** An old sentinel.conf with a higher epoch is back after the others were set to a low one by hand. */
export const staleSentinel: Scenario = {
  ...base,
  name: 'stale-sentinel',
  says: 'a sentinel returns with an old file and a higher epoch',
  make: stale,
};

/** Two of the sentinels hold another address at the same epoch: they never converge. */
export const sentinelsDisagree: Scenario = {
  ...base,
  name: 'sentinels-disagree',
  says: 'two addresses at the same epoch',
  make: disagree,
};

/** One sentinel's file was made from a copy of another's. */
export const duplicateMyid: Scenario = {
  ...base,
  name: 'duplicate-myid',
  says: 'one sentinel was made from a copy of another',
  make: duplicate,
};

/** A sentinel that the others know and that fleet.yaml does not name. */
export const unknownSentinel: Scenario = {
  ...base,
  name: 'unknown-sentinel',
  says: 'a sentinel that fleet.yaml does not name',
  make: unknown,
};

async function unknown({ state, prng, stop, say }: Breaking): Promise<Done> {
  const lives = prng.chance(0.5);
  const master = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, master, prng);
  const stranger = sentinelOnly(state, 1);
  const named = state.hosts.filter((host) => host.name !== stranger.name);
  writeFileSync(join(state.directory, 'fleet.yaml'), fleetYaml(named, state.group, state.programs));
  await turnOff(state, lives ? named : state.hosts, stop);
  say(`fleet.yaml does not name ${stranger.name}; everything ${lives ? 'else ' : ''}off (${stop})`);
  const drawn = [`the sentinel of ${stranger.name} ${lives ? 'runs' : 'is off'}`];
  return { masters: [master], drawn, traits: [`stranger:${stranger.name}`, lives ? 'lives' : 'off'] };
}

async function stale({ state, prng, stop, say }: Breaking): Promise<Done> {
  const returns = prng.chance(0.5);
  const first = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, first, prng);
  const second = await moveMaster(state, first);
  const old = await moveMaster(state, second);
  const away = sentinelOnly(state, 1);
  await stopSentinels(state, [away], 'SIGKILL');
  const left = sentinelHosts(state).filter((host) => host.name !== away.name);
  await stopSentinels(state, left, 'SIGTERM');
  const next = prng.pick(othersRunning(state, old));
  await followByHand(state, next);
  for (const host of left) editMaster(state, host, next, 1);
  for (const host of left) await startNode(state, host, 'sentinel');
  await untilSettled(state, SETTLE_LIMIT_MS, old.name);
  say(
    `${away.name} off with a file that names ${old.name} at epoch 2 or more; by hand ${next.name} was made master at 1`,
  );
  const own = await writeSome(state, next, prng, 10, 80);
  await untilCaughtUp(state, next, SETTLE_LIMIT_MS);
  say(`${next.name} took ${own.length} writes`);
  if (returns) await comesBack(state, away, old, left, say);
  else await turnOff(state, state.hosts, stop);
  return {
    masters: [first, second, old, next],
    traits: [returns ? 'returns' : 'off'],
    drawn: [returns ? 'it is back, and every sentinel died' : `everything off (${stop})`],
  };
}

/** The old claim wins at once; then every sentinel dies, before they fail over from a master that is none. */
async function comesBack(
  state: Breaking['state'],
  away: LabHost,
  old: LabHost,
  left: readonly LabHost[],
  say: Breaking['say'],
): Promise<void> {
  await startNode(state, away, 'sentinel');
  const [witness = away] = left;
  await untilNames(state, witness, old);
  await stopSentinels(state, state.hosts, 'SIGKILL');
  say(`${away.name} is back; the sentinel of ${witness.name} named ${old.name} at once; then every sentinel died`);
}

/** What runs while the sentinels' files disagree. */
const disagreements = ['live', 'runs', 'off'] as const;

async function disagree({ state, prng, stop, say }: Breaking): Promise<Done> {
  const kind = inTurn(state, disagreements);
  const first = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, first, prng);
  const master = await moveMaster(state, first);
  const own = await writeSome(state, master, prng, 10, 80);
  await untilCaughtUp(state, master, SETTLE_LIMIT_MS);
  const epoch = epochIn(readSentinel(sentinelOnly(state, 0)), state.group);
  const other = prng.pick(othersRunning(state, master));
  const apart = sentinelHosts(state).slice(0, prng.pick([2, 3]));
  await stopSentinels(state, state.hosts, 'SIGKILL');
  for (const host of apart) editMaster(state, host, other, epoch);
  say(
    `${master.name} took ${own.length} writes; ${apart.length} sentinels name ${other.name}, the others ${master.name}, all at ${epoch}`,
  );
  if (kind === 'live') await liveApart(state, master, other, apart);
  if (kind === 'off') await turnOff(state, state.hosts, stop);
  const drawn = { live: 'Redis serves, every sentinel runs', runs: 'Redis serves, no sentinel runs', off: stop };
  return { masters: [first, master], traits: [kind], drawn: [drawn[kind]] };
}

/** All of them run and hear each other, and each goes on naming what its file said. */
async function liveApart(state: LabState, master: LabHost, other: LabHost, apart: readonly LabHost[]): Promise<void> {
  const named = (host: LabHost) => (apart.some(({ name }) => name === host.name) ? other : master).address;
  const hosts = sentinelHosts(state);
  for (const host of hosts) await startNode(state, host, 'sentinel');
  await until('sentinels that hear each other and disagree', SETTLE_LIMIT_MS, async () => {
    const views = await Promise.all(hosts.map((host) => sentinelView(state, host)));
    const moved = views.find((view) => view.master !== named(view.host));
    if (moved !== undefined) return notYet(`the sentinel of ${moved.host.name} names ${moved.master}`);
    const down = views.filter((view) => view.flags.includes('o_down'));
    return down.length === apart.length ? holds(undefined) : notYet(`${down.length} see their master down`);
  });
}

function epochIn(text: string, group: string): number {
  const word = new RegExp(`^sentinel config-epoch ${group} (\\d+)$`, 'm').exec(text)?.[1];
  if (word === undefined) throw new RunbookError('lab', 'The sentinel has written no config-epoch.');
  return Number(word);
}

async function duplicate({ state, prng, stop, say }: Breaking): Promise<Done> {
  const master = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, master, prng);
  const [one, twin] = [sentinelOnly(state, 0), sentinelOnly(state, 1)];
  await stopSentinels(state, [twin], 'SIGTERM');
  const id = /^sentinel myid (\w+)$/m.exec(readSentinel(one))?.[1] ?? '';
  const text = readSentinel(twin)
    .replace(/^sentinel myid .*$/m, `sentinel myid ${id}`)
    .split('\n')
    .filter((line) => !(line.startsWith('sentinel known-sentinel') && line.includes(id)));
  writeSentinel(twin, text.join('\n'));
  await startNode(state, twin, 'sentinel');
  await writeSome(state, master, prng, 10, 60);
  await untilCaughtUp(state, master, SETTLE_LIMIT_MS);
  say(
    `${twin.name} has the myid of ${one.name}; ${hostsRunning(state, 'sentinel').length} sentinels ran; everything off`,
  );
  await turnOff(state, state.hosts, stop);
  return { masters: [master], drawn: [`${one.name} and ${twin.name} are one vote`] };
}
