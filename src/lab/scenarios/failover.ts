import { RunbookError } from '../../errors.js';
import type { LabHost } from '../layout.js';
import { hostsRunning, signalNodes, startNode } from '../nodes.js';
import { nextSeq } from '../record.js';
import type { LabState } from '../state.js';
import { holds, notYet, until } from '../until.js';
import { redisView, SETTLE_LIMIT_MS, sentinelView, untilSettled } from '../view.js';
import { askRedis, noteLacks, othersRunning, saveNow, sharedWrites, turnOff, writeSome } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';

/** The replicas died first, the master took more writes and died, and an older replica came back alone. */
export const replicaFirst: Scenario = {
  name: 'replica-first',
  says: 'the replicas die, then the master, then an old replica returns',
  stop: 'clean',
  redis: 3,
  offAtElection: 1,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: false,
  make: first,
};

/**
 * The new master dies before its failover has ended: the sentinel that leads it waits for ever. The others get over it while
 * they are a majority without the leader and without those that died with their machines.
 */
export const stuckFailover: Scenario = {
  name: 'stuck-failover',
  says: 'the new master dies before its failover has ended',
  stop: 'crash',
  redis: 3,
  offAtElection: 1,
  persistence: ['aof'],
  endsOff: false,
  make: stuck,
};

async function first({ state, prng, stop, say }: Breaking): Promise<Done> {
  const saved = prng.chance(0.5);
  const served = prng.chance(0.5);
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, old, prng);
  const [one, two] = othersRunning(state, old);
  if (one === undefined || two === undefined) throw new RunbookError('lab', 'The scenario needs two replicas.');
  if (saved) for (const host of [one, two]) await saveNow(state, host, 'BGSAVE');
  await signalNodes(state, (host, kind) => kind === 'redis' && host.name !== old.name, 'SIGKILL');
  const fromSeq = nextSeq(state.directory);
  const own = await writeSome(state, old, prng, 10, 80);
  await turnOff(state, [old], stop);
  say(`${one.name} and ${two.name} died; ${old.name} took ${own.length} more writes and died (${stop})`);
  await startNode(state, one, 'redis');
  const promoted = await untilSettled(state, SETTLE_LIMIT_MS, old.name);
  const later = served ? await writeSome(state, promoted, prng, 5, 30) : [];
  say(`${promoted.name} came back alone, was made master, and took ${later.length} writes`);
  noteLacks(state, [one, two], { node: old.name, fromSeq, why: `only ${old.name} took it` });
  if (state.persistence === 'rdb' && !saved) noteLacks(state, [one, two], { beforeSeq: fromSeq, why: 'never saved' });
  noteLacks(state, [old, two], { node: one.name, fromSeq, why: `${one.name} took it when it was back` });
  return {
    masters: [old, promoted],
    traits: [...(saved ? ['saved'] : []), ...(served ? ['served'] : [])],
    drawn: [saved ? 'the replicas had saved' : 'the replicas had not saved', `${later.length} writes on ${one.name}`],
  };
}

async function stuck({ state, prng, say }: Breaking): Promise<Done> {
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, old, prng);
  await turnOff(state, [old], 'crash');
  const whole = prng.chance(0.8);
  const { next, leader: first } = await untilPromoted(state, old);
  const withSentinel = whole && first.name !== next.name;
  await signalNodes(state, (host, kind) => host.name === next.name && (withSentinel || kind === 'redis'), 'SIGKILL');
  const [last] = hostsRunning(state, 'redis');
  if (last === undefined) throw new RunbookError('lab', 'The scenario needs two replicas.');
  const leader = await untilStuck(state);
  say(
    `${old.name} died, ${next.name} was promoted and died${withSentinel ? ' with its machine' : ''} before its failover had ended`,
  );
  const drawn = [leader === undefined ? 'no sentinel is stuck' : `the sentinel of ${leader.name} is stuck`];
  return { masters: [old, next], drawn, traits: [`last:${last.name}`, ...(leader === undefined ? [] : ['stuck'])] };
}

/**
 * The replica that a sentinel has promoted, while it still turns the others to it: before that the failover is given up. The
 * moment is short, so one after the other is asked for: who leads, who was promoted, whether the leader has seen it. Of the
 * password that it is given nothing is left: Sentinel had its config written before (sentinel.c:sentinelSendSlaveOf).
 */
async function untilPromoted(
  state: LabState,
  not: LabHost,
): Promise<{ readonly next: LabHost; readonly leader: LabHost }> {
  const replicas = hostsRunning(state, 'redis').filter((host) => host.name !== not.name);
  const sentinels = hostsRunning(state, 'sentinel');
  const leader = await until('a sentinel to lead a failover', SETTLE_LIMIT_MS, async () => {
    const views = await Promise.all(sentinels.map((host) => sentinelView(state, host)));
    const leads = views.find((view) => past.has(view.failoverState ?? ''));
    return leads === undefined ? notYet('nobody does') : holds(leads.host);
  });
  const next = await until('a replica to be promoted', SETTLE_LIMIT_MS, async () => {
    const views = await Promise.all(replicas.map((host) => redisView(state, host)));
    const master = views.find((view) => view.role === 'master');
    return master === undefined ? notYet('nobody') : holds(master.host);
  });
  // Whoever is to follow it is turned away, who is logged in stays: the moment is as long as it takes.
  await askRedis(state, next, 'CONFIG', 'SET', 'requirepass', `not-${state.password}`);
  await until('the leader to have seen it', SETTLE_LIMIT_MS, async () => {
    const { failoverState = 'none' } = await sentinelView(state, leader);
    return failoverState === 'wait_promotion' ? notYet(failoverState) : holds(undefined);
  });
  return { next, leader };
}

/** States of a failover that was elected (sentinel.c:sentinelFailoverStateStr). */
const past: ReadonlySet<string> = new Set(['select_slave', 'send_slaveof_noone', 'wait_promotion', 'reconf_slaves']);

/** Longer than the failover-timeout of a fast fleet: a failover that is still on then does not end by itself. */
const STUCK_AFTER_MS = 8000;

async function untilStuck(state: LabState): Promise<LabHost | undefined> {
  const began = Date.now();
  const busy = async () => {
    const views = await Promise.all(hostsRunning(state, 'sentinel').map((host) => sentinelView(state, host)));
    return views.find((view) => view.flags.includes('failover_in_progress'))?.host;
  };
  return until('a failover to be stuck, or over', SETTLE_LIMIT_MS, async () => {
    const host = await busy();
    if (host === undefined && Date.now() - began > STUCK_AFTER_MS / 2) return holds(undefined);
    return host !== undefined && Date.now() - began > STUCK_AFTER_MS ? holds(host) : notYet('too early to tell');
  });
}
