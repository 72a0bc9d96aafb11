import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redisConf } from '../fleet-texts.js';
import { configOf, type LabHost, redisPort, stateOf } from '../layout.js';
import { hostsRunning, startNode } from '../nodes.js';
import type { LabState } from '../state.js';
import { holds, notYet, until } from '../until.js';
import { SETTLE_LIMIT_MS, untilSettled } from '../view.js';
import { sharedWrites, turnOffRedis, untilLinked } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';
import { askSentinel, masterNamed, sentinelHosts, stopSentinels } from './sentinel-hand.js';

/** The name of the second group, and of nothing else. */
export const otherGroup = 'other-master';

/** The sentinels watch a second group, which is healthy and has had more failovers; this group dies. */
export const sharedSentinels: Scenario = {
  name: 'shared-sentinels',
  says: 'the sentinels watch a second, healthy group, too',
  stop: 'clean',
  redis: 3,
  offAtElection: 0,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: false,
  make: share,
};

async function share({ state, prng, stop, say }: Breaking): Promise<Done> {
  const sentinelsLive = prng.chance(0.5);
  const master = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, master, prng);
  const [first, second] = [otherHost(state, 1), otherHost(state, 2)];
  for (const host of [first, second]) {
    writeFileSync(configOf(host, 'redis'), redisConf(host, first, state), { mode: 0o640 });
    await startNode(state, host, 'redis');
  }
  await untilLinked(state, second, first);
  for (const sentinel of sentinelHosts(state)) await monitor(state, sentinel, first);
  await publishEvery(state, '2000');
  await failOver(state, first, second);
  await failOver(state, second, first);
  await untilLinked(state, second, first);
  if (state.fast) await publishEvery(state, '150');
  say(`the sentinels watch ${otherGroup} as well, which failed over twice`);
  if (!sentinelsLive) await stopSentinels(state, state.hosts, 'SIGTERM');
  await turnOffRedis(state, stop);
  say(`every redis of ${state.group} off (${stop}); ${sentinelsLive ? 'the sentinels run' : 'no sentinel runs'}`);
  return { masters: [master], drawn: [`${otherGroup} serves`], traits: [sentinelsLive ? 'live' : 'off'] };
}

function otherHost(state: LabState, number: number): LabHost {
  const name = `other${number}`;
  const host: LabHost = {
    name,
    address: `${state.claim.block}.${100 + number}`,
    directory: join(state.directory, name),
    runs: ['redis'],
    clockMinutes: 0,
  };
  for (const part of ['data', 'log']) mkdirSync(join(host.directory, part), { recursive: true });
  mkdirSync(stateOf(host), { recursive: true, mode: 0o700 });
  return host;
}

async function monitor(state: LabState, sentinel: LabHost, master: LabHost): Promise<void> {
  const set = (name: string, value: string) => askSentinel(sentinel, 'SENTINEL', 'SET', otherGroup, name, value);
  await askSentinel(
    sentinel,
    'SENTINEL',
    'MONITOR',
    otherGroup,
    master.address,
    String(redisPort),
    String(state.quorum),
  );
  await set('auth-pass', state.password);
  await set('failover-timeout', '3000');
}

/**
 * The period of hellos: four of them are how long a sentinel waits before it turns a node back that says master without having
 * been announced (sentinel.c:sentinelRefreshInstanceInfo). Fast ones undo a promotion before its leader has seen it.
 */
async function publishEvery(state: LabState, periodMs: string): Promise<void> {
  for (const host of hostsRunning(state, 'sentinel'))
    await askSentinel(host, 'SENTINEL', 'DEBUG', 'publish-period', periodMs).catch(() => undefined);
}

/** A failover of the second group that somebody asked for, seen by every sentinel. */
async function failOver(state: LabState, from: LabHost, to: LabHost): Promise<void> {
  const sentinels = hostsRunning(state, 'sentinel');
  await until(`${otherGroup} to move to ${to.name}`, SETTLE_LIMIT_MS, async () => {
    const named = await Promise.all(sentinels.map((host) => masterNamed(host, otherGroup)));
    if (named.every((address) => address === to.address)) return holds(undefined);
    const [any] = sentinels;
    if (any !== undefined && named.every((address) => address === from.address))
      await askSentinel(any, 'SENTINEL', 'FAILOVER', otherGroup).catch(() => undefined);
    return notYet(named.join(', '));
  });
}
