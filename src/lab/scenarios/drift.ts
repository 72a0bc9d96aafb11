import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fleetYaml } from '../fleet-texts.js';
import { configOf, type LabHost, redisPort } from '../layout.js';
import { signalNodes, startNode } from '../nodes.js';
import { type LabState, readState, writeState } from '../state.js';
import { SETTLE_LIMIT_MS, untilSettled } from '../view.js';
import { askRedis, inTurn, othersRunning, sharedWrites, turnOff, writeSome } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';

const kinds = ['aof-at-runtime', 'maxmemory-below-data', 'role-in-include', 'role-on-command-line'] as const;
type Kind = (typeof kinds)[number];

/** What runs is not what the files give at the next start; the seed draws which of four ways. */
export const drift: Scenario = {
  name: 'drift',
  says: 'what runs is not what the files would start',
  stop: 'clean',
  redis: 3,
  offAtElection: 0,
  persistence: ['rdb'],
  endsOff: false,
  make: drifted,
};

async function drifted({ state, prng, say }: Breaking): Promise<Done> {
  const kind = inTurn(state, kinds);
  const master = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, master, prng);
  const node = kind.startsWith('role-') ? prng.pick(othersRunning(state, master)) : master;
  say(await make[kind](state, node, master));
  await writeSome(state, master, prng, 10, 60);
  await untilSettled(state, SETTLE_LIMIT_MS);
  const [sentinel] = state.hosts.filter((host) => host.runs.length === 1);
  if (sentinel !== undefined) await turnOff(state, [sentinel], 'crash');
  return { masters: [master], traits: [kind, `on:${node.name}`], drawn: [`${kind} on ${node.name}`] };
}

const make: Readonly<Record<Kind, (state: LabState, node: LabHost, master: LabHost) => Promise<string>>> = {
  'aof-at-runtime': async (state, node) => {
    await askRedis(state, node, 'CONFIG', 'SET', 'appendonly', 'yes');
    await untilSettled(state, SETTLE_LIMIT_MS);
    return `appendonly yes was set on ${node.name} while it ran, and its file says no`;
  },
  'maxmemory-below-data': async (state, node) => {
    appendFileSync(configOf(node, 'redis'), '\nmaxmemory 1mb\nmaxmemory-policy allkeys-lru\n');
    await askRedis(state, node, 'CONFIG', 'SET', 'maxmemory', '0');
    return `the file of ${node.name} says maxmemory 1mb with eviction, and the process runs without a limit`;
  },
  'role-in-include': async (state, node, master) => {
    const role = join(node.directory, 'role.conf');
    writeFileSync(role, `replicaof ${master.address} ${redisPort}\n`);
    writeFileSync(configOf(node, 'redis'), `${withoutRole(node)}\ninclude ${role}\n`);
    await restart(state, node);
    return `the role of ${node.name} stands in an included file`;
  },
  'role-on-command-line': async (state, node, master) => {
    const told: LabHost = { ...node, redisOptions: ['--replicaof', master.address, String(redisPort)] };
    const hosts = state.hosts.map((host) => (host.name === node.name ? told : host));
    writeState({ ...readState(state.directory), hosts });
    writeFileSync(join(state.directory, 'fleet.yaml'), fleetYaml(hosts, state.group, state.programs));
    writeFileSync(configOf(node, 'redis'), withoutRole(node));
    await restart(state, told);
    return `the role of ${node.name} stands on the command line that starts it`;
  },
};

function withoutRole(node: LabHost): string {
  return readFileSync(configOf(node, 'redis'), 'utf8').replace(/^(replicaof|slaveof) .*$/m, '');
}

async function restart(state: LabState, node: LabHost): Promise<void> {
  await signalNodes(state, (host, kind) => kind === 'redis' && host.name === node.name, 'SIGTERM');
  await startNode(state, node, 'redis');
}
