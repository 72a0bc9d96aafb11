import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fleetYaml } from '../../src/lab/fleet-texts.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Persistence } from '../../src/lab/layout.js';
import type { Broken } from '../../src/lab/scenarios/index.js';
import { askSentinel, masterNamed } from '../../src/lab/scenarios/sentinel-hand.js';
import { otherGroup } from '../../src/lab/scenarios/shared.js';
import { writeState } from '../../src/lab/state.js';
import { holds, notYet, until } from '../../src/lab/until.js';
import type { Disaster, Right } from './disasters.js';

const nodes = ['pv1', 'pv2', 'pv3'];

function others(...than: readonly string[]): readonly string[] {
  return nodes.filter((node) => !than.includes(node));
}

/** The first and the second master; throws where a scenario had fewer. */
function masters({ masters: [old = '', next = ''] }: Broken): { readonly old: string; readonly next: string } {
  return { old, next };
}

const cold = { path: 'cold', status: 0 } as const;
const refusedAs = (word: string) => ({ status: 3, word });

function promote(node: string, aside: readonly string[]): Pick<Right, 'consent' | 'dataOf'> {
  return { consent: ['--promote', node, '--set-aside', aside.join(',')], dataOf: node };
}

function splitBrain(broken: Broken, seed: number): Right {
  const { old, next } = masters(broken);
  const choice = seed % 2 === 0 ? promote(next, [old]) : promote(old, others(old));
  return { ...cold, first: refusedAs('split'), ...choice };
}

/** A tail that can be compared is proved or ruled out; one that cannot stays possible, and something to do. */
function possibleTail(broken: Broken): Right {
  const { old, next } = masters(broken);
  if (broken.traits.includes('rewritten')) return { ...cold, first: { status: 10 }, dataOf: next, status: 10 };
  if (!broken.traits.includes('tail')) return { ...cold, first: { status: 0 }, dataOf: next };
  return { ...cold, first: refusedAs('split'), ...promote(next, [old]) };
}

function rebornEmpty(broken: Broken): Right {
  const followed = broken.traits.includes('followed');
  if (!broken.traits.includes('served')) return { ...cold, first: { status: 0 }, dataOf: 'pv3' };
  return { ...cold, first: refusedAs('incomparable'), ...promote('pv3', followed ? ['pv1', 'pv2'] : ['pv1']) };
}

function shrunk(broken: Broken, seed: number): Right {
  const { old } = masters(broken);
  const away = nodes.find((node) => broken.traits.includes(`away:${node}`)) ?? '';
  const choice = seed % 2 === 0 ? { consent: ['--accept-loss', old], dataOf: old } : promote(away, others(away));
  return { ...cold, first: refusedAs('shrunk'), ...choice };
}

function tornAof(broken: Broken): Right {
  const { old } = masters(broken);
  const whole = broken.traits.includes('replicas-whole');
  return { ...cold, first: { status: 0 }, dataOf: whole ? (others(old)[0] ?? '') : old };
}

function staleSentinel({ masters: served, traits }: Broken): Right {
  const path = traits.includes('returns') ? 'sentinels-only' : 'cold';
  return { path, first: { status: 0 }, dataOf: served.at(-1) ?? '', status: 0 };
}

function sentinelsDisagree(broken: Broken): Right {
  const path = broken.traits.includes('off') ? 'cold' : 'sentinels-only';
  return { path, first: { status: 0 }, dataOf: masters(broken).next, status: 0 };
}

/** The plan gives one of the two a new id. */
function duplicateMyid(broken: Broken): Right {
  return { ...cold, first: { status: 0 }, dataOf: masters(broken).old };
}

/** Refused until fleet.yaml names it, or says why it may be left out. */
function unknownSentinel(broken: Broken): Right {
  const name = broken.traits.find((trait) => trait.startsWith('stranger:'))?.slice('stranger:'.length) ?? '';
  const mend = (lab: Lab) => {
    const stranger = lab.hosts.find((host) => host.name === name);
    if (broken.traits.includes('lives')) return restoreFleetFile(lab);
    const line = `ignore: [{ address: ${stranger?.address}, port: 26379, reason: "given back in May" }]`;
    appendFileSync(lab.fleetFile, `${line}\n`);
  };
  return { ...cold, first: refusedAs('blocked'), mend, dataOf: masters(broken).old };
}

function restoreFleetFile(lab: Lab): void {
  const { hosts, group, programs } = lab.state();
  writeFileSync(lab.fleetFile, fleetYaml(hosts, group, programs));
}

/** The old replica that Sentinel made master is set aside once it took writes; without any it is only behind. */
function replicaFirst(broken: Broken): Right {
  const { old, next } = masters(broken);
  if (!broken.traits.includes('served')) return { ...cold, first: { status: 0 }, dataOf: old };
  return { ...cold, first: refusedAs('incomparable'), ...promote(old, [next]) };
}

/**
 * Either Sentinel gets over it by itself, and both dead masters may hold a few last writes, or its leader is stuck for good
 * and another sentinel is asked. What that one sees of the replica decides whether it can.
 */
function stuckFailover(broken: Broken): Right {
  const last = broken.traits.find((trait) => trait.startsWith('last:'))?.slice('last:'.length) ?? '';
  const path = broken.traits.includes('stuck') ? (['failover', 'live'] as const) : ('live' as const);
  return { path, first: { status: [0, 10] }, dataOf: last, status: [0, 10] };
}

/** Refused by any path that restarts the node, until its file says what runs. A role in an include is changed there. */
function drift(broken: Broken): Right {
  const path = 'sentinels-only';
  const args = ['--path', 'cold'];
  const dataOf = masters(broken).old;
  if (broken.traits.includes('role-in-include')) return { path, args, first: { status: 0 }, dataOf, status: 0 };
  const node = broken.traits.find((trait) => trait.startsWith('on:'))?.slice('on:'.length) ?? '';
  const mend = (lab: Lab) => {
    const file = join(lab.directory, node, 'redis.conf');
    const text = readFileSync(file, 'utf8');
    if (broken.traits.includes('aof-at-runtime'))
      writeFileSync(file, text.replace(/^appendonly no$/m, 'appendonly yes'));
    if (broken.traits.includes('maxmemory-below-data'))
      writeFileSync(file, text.replace(/^maxmemory .*$/m, 'maxmemory 0'));
    if (broken.traits.includes('role-on-command-line')) roleIntoFile(lab, node, file);
  };
  return { path, args, first: refusedAs('blocked'), mend, dataOf, status: 0 };
}

/** What a person does with a role that a unit file or a compose file gives: it goes into the config file. */
function roleIntoFile(lab: Lab, node: string, file: string): void {
  const state = lab.state();
  const [option = '', ...role] = state.hosts.find(({ name }) => name === node)?.redisOptions ?? [];
  appendFileSync(file, `\n${option.slice('--'.length)} ${role.join(' ')}\n`);
  const hosts = state.hosts.map(({ redisOptions: _options, ...host }) => host);
  writeState({ ...state, hosts });
  restoreFleetFile(lab);
}

/** The second group is as it was, and fails over as before. */
function sharedSentinels(broken: Broken): Right {
  const after = async (lab: Lab) => {
    const block = lab.state().claim.block;
    const sentinels = lab.hosts.filter((host) => host.runs.includes('sentinel'));
    const named = () => Promise.all(sentinels.map((host) => masterNamed(host, otherGroup)));
    expect(new Set(await named()), saidOf(lab, otherGroup)).toEqual(new Set([`${block}.101`]));
    const [any] = sentinels;
    if (any === undefined) throw new Error('no sentinel');
    await until('the second group to fail over', 60_000, async () => {
      const all = await named();
      if (all.every((address) => address === `${block}.102`)) return holds(undefined);
      await askSentinel(any, 'SENTINEL', 'FAILOVER', otherGroup).catch(() => undefined);
      return notYet(all.join(', '));
    });
  };
  const says = `While the sentinels are held, no automatic failover for: ${otherGroup}.`;
  return { ...cold, first: { status: 0, says }, dataOf: masters(broken).old, after };
}

/** What the sentinels have logged of a group that is about its master. */
function saidOf(lab: Lab, group: string): string {
  const logs = lab.hosts.map(({ name }) => {
    const lines = readFileSync(join(lab.directory, name, 'log', 'sentinel.log'), 'utf8').split('\n');
    return lines
      .filter((line) => line.includes(` ${group} `) && !line.includes('+sentinel'))
      .map((line) => `${name} ${line}`);
  });
  return logs.flat().join('\n');
}

function each(scenario: string, kinds: readonly Persistence[], right: Disaster['right']): readonly Disaster[] {
  return kinds.map((persistence) => ({ scenario, persistence, right }));
}

/** Every disaster with what is right to do. */
export const disasters: readonly Disaster[] = [
  ...each('split-brain', ['rdb', 'aof'], splitBrain),
  ...each('possible-tail', ['aof'], possibleTail),
  ...each('reborn-empty', ['rdb', 'aof'], rebornEmpty),
  ...each('shrunk', ['rdb', 'aof'], shrunk),
  ...each('torn-aof', ['aof'], tornAof),
  ...each('stale-sentinel', ['rdb'], staleSentinel),
  ...each('sentinels-disagree', ['aof'], sentinelsDisagree),
  ...each('duplicate-myid', ['rdb'], duplicateMyid),
  ...each('unknown-sentinel', ['rdb'], unknownSentinel),
  ...each('replica-first', ['rdb'], replicaFirst),
  ...each('stuck-failover', ['aof'], stuckFailover),
  ...each('drift', ['rdb'], drift),
  ...each('shared-sentinels', ['rdb', 'aof'], sharedSentinels),
];
