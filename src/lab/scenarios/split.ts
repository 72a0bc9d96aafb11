import { signalNodes } from '../nodes.js';
import { untilCaughtUp, untilOld } from '../phases.js';
import { nextSeq } from '../record.js';
import { SETTLE_LIMIT_MS, untilSettled } from '../view.js';
import { askRedis, noteLacks, othersRunning, saveNow, sharedWrites, turnOff, untilAlone, writeSome } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';

/** The master is cut off and elected away, its own clients go on writing, and the sentinels die before it is demoted. */
export const splitBrain: Scenario = {
  name: 'split-brain',
  says: 'a master that was cut off, and its successor: both took writes',
  stop: 'clean',
  redis: 3,
  offAtElection: 1,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: false,
  make: split,
};

/** A master that died with writes that no replica got; what its successor knows of them depends on what was drawn. */
export const possibleTail: Scenario = {
  name: 'possible-tail',
  says: 'a master that died with last writes that no replica got',
  stop: 'crash',
  redis: 3,
  offAtElection: 1,
  persistence: ['aof'],
  endsOff: true,
  make: tail,
};

async function split({ state, prng, stop, say }: Breaking): Promise<Done> {
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, old, prng);
  await signalNodes(state, (host) => host.name === old.name, 'SIGSTOP');
  const next = await untilSettled(state, SETTLE_LIMIT_MS, old.name, [old.name]);
  say(`${old.name} cut off; the sentinels elected ${next.name}`);
  await signalNodes(state, (_, kind) => kind === 'sentinel', 'SIGKILL');
  await signalNodes(state, (host) => host.name === old.name, 'SIGCONT');
  await untilAlone(state, old);
  const fromSeq = nextSeq(state.directory);
  const theirs = await writeSome(state, next, prng, 10, 150);
  await untilCaughtUp(state, next, SETTLE_LIMIT_MS, [old.name]);
  const own = await writeSome(state, old, prng, 10, 150);
  say(`every sentinel died; ${next.name} took ${theirs.length} writes, and ${old.name} ${own.length} of its own`);
  const followers = othersRunning(state, old);
  noteLacks(state, followers, { node: old.name, fromSeq, why: `only ${old.name} took it, after the split` });
  noteLacks(state, [old], { node: next.name, fromSeq, why: `only ${next.name} took it, after the split` });
  const runs = prng.chance(0.5);
  if (!runs) await turnOff(state, state.hosts, stop);
  const drawn = [
    `own writes: ${own.length} on ${old.name}, ${theirs.length} on ${next.name}`,
    runs ? 'both run' : stop,
  ];
  return { masters: [old, next], drawn, traits: [runs ? 'runs' : 'off'] };
}

async function tail({ state, prng, stop, say }: Breaking): Promise<Done> {
  const hasTail = prng.chance(0.7);
  const isRewritten = prng.chance(0.4);
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, old, prng);
  const isReplica = (name: string) => name !== old.name;
  await signalNodes(state, (host, kind) => kind === 'redis' && isReplica(host.name), 'SIGSTOP');
  await askRedis(state, old, 'CLIENT', 'KILL', 'TYPE', 'replica');
  const fromSeq = nextSeq(state.directory);
  const own = hasTail ? await writeSome(state, old, prng, 3, 40) : [];
  await untilOld(own.at(-1));
  await turnOff(state, [old], 'crash');
  await signalNodes(state, (host, kind) => kind === 'redis' && isReplica(host.name), 'SIGCONT');
  const next = await untilSettled(state, SETTLE_LIMIT_MS, old.name);
  say(`${old.name} died with ${own.length} writes that no replica got; the sentinels elected ${next.name}`);
  const later = await writeSome(state, next, prng, 10, 100);
  await untilCaughtUp(state, next, SETTLE_LIMIT_MS);
  if (isRewritten) await saveNow(state, next, 'BGREWRITEAOF');
  noteLacks(state, othersRunning(state, old), { node: old.name, fromSeq, why: `${old.name} died with it` });
  noteLacks(state, [old], { node: next.name, fromSeq, why: `${next.name} took it after ${old.name} died` });
  say(`${next.name} took ${later.length} writes${isRewritten ? ' and rewrote its AOF' : ''}; everything off (${stop})`);
  await turnOff(state, state.hosts, stop);
  const drawn = [
    `${own.length} writes in the tail`,
    isRewritten ? `${next.name} rewrote its AOF: nothing to compare with` : 'the AOFs can be compared',
  ];
  const traits = [...(hasTail ? ['tail'] : []), ...(isRewritten ? ['rewritten'] : [])];
  return { masters: [old, next], drawn, traits };
}
