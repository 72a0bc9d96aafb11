import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/discover/assemble.js';
import { type FleetFileNeeds, fleetFileOf, fleetText } from '../../src/discover/fleet-file.js';
import { parseInventory } from '../../src/inventory/load.js';
import type { Found, Visit } from '../../src/model/found.js';
import { dark, deadFleet, facts, machine, redisConf, sentinelConf, visited } from './machines.js';

const needs: FleetFileNeeds = { sshOf: () => ({ user: 'ops', port: 2222 }), stateOf: (address) => `/state/${address}` };
const mine = { uid: 0, mode: 0o600 };

function inventoryOf(found: Found) {
  const file = fleetFileOf(found, needs);
  if (file === undefined) throw new Error('no fleet was found');
  return parseInventory('found.yaml', fleetText(file, ['a head']), mine, 0);
}

describe('the fleet file of what was found', () => {
  it('is one that the tool takes, with every member at the address that the fleet knows', () => {
    const inventory = inventoryOf(assemble(['pv1'], deadFleet()));
    expect(inventory).toMatchObject({ fleet: 'shop', groups: ['shop'] });
    expect(
      inventory.hosts.map(({ name, address, transport, become, ssh }) => ({ name, address, transport, become, ssh })),
    ).toEqual(
      ['pv1', '10.0.10.2', '10.0.10.3'].map((name, index) => ({
        name,
        address: `10.0.10.${index + 1}`,
        transport: 'ssh',
        become: 'sudo',
        ssh: { user: 'ops', port: 2222 },
      })),
    );
    expect(inventory.hosts[1]?.nodes.map(({ id, port, config }) => ({ id, port, config }))).toEqual([
      { id: '10.0.10.2', port: 6379, config: '/etc/redis/redis.conf' },
      { id: '10.0.10.2/sentinel', port: 26379, config: '/etc/redis/sentinel.conf' },
    ]);
  });

  it('gives a member that nobody saw the file that the others have', () => {
    const [one, two] = deadFleet() as [Visit, Visit];
    const { hosts } = inventoryOf(assemble(['pv1'], [one, two, dark('10.0.10.3', 'ETIMEDOUT')]));
    expect(hosts.find(({ name }) => name === '10.0.10.3')?.nodes.map(({ config }) => config)).toEqual([
      '/etc/redis/redis.conf',
      '/etc/redis/sentinel.conf',
    ]);
  });

  it('names the units that start the nodes, and starts by hand what has none', () => {
    const units = [
      { name: 'redis-server', manager: 'systemd', configs: ['/etc/redis/redis.conf'] } as const,
      { name: 'redis-sentinel', manager: 'systemd', configs: ['/etc/redis/sentinel.conf'] } as const,
    ];
    const conf = [redisConf(), sentinelConf('shop', '10.0.10.1', [], [])];
    const of = (more: { units?: typeof units }) =>
      inventoryOf(assemble(['pv1'], [visited('10.0.10.1', machine(conf, more), { name: 'pv1', isNamed: true })]))
        .hosts[0];
    expect(of({ units })?.service).toBe('auto');
    expect(of({ units })?.nodes.map(({ unit }) => unit)).toEqual(['redis-server', 'redis-sentinel']);
    expect(of({})?.service).toBe('process');
    expect(of({})?.nodes.map(({ start }) => start)).toEqual([
      ['redis-server', '/etc/redis/redis.conf'],
      ['redis-server', '/etc/redis/sentinel.conf', '--sentinel'],
    ]);
  });

  it('says the group of each redis where there are two', () => {
    const both = facts(
      '/s.conf',
      'sentinel monitor a 10.0.10.1 6379 2',
      'sentinel monitor b 10.0.10.2 6379 2',
      'sentinel myid x',
    );
    const { groups, hosts } = inventoryOf(
      assemble(
        ['10.0.0.5'],
        [
          visited('10.0.0.5', machine([both]), { isNamed: true }),
          visited('10.0.10.1', machine([redisConf()])),
          visited('10.0.10.2', machine([redisConf()])),
        ],
      ),
    );
    expect(groups).toEqual(['a', 'b']);
    expect(hosts.flatMap(({ nodes }) => nodes.map(({ id, group }) => `${id} ${group}`))).toEqual([
      '10.0.10.1 a',
      '10.0.10.2 b',
      '10.0.0.5/sentinel undefined',
    ]);
  });

  it('holds nothing that a hostile member wrote where a word is expected', () => {
    const evil = ['-oProxyCommand=x', '$(id)', '10.0.0.1 pv9', 'a\nhosts:', '{a: b}', '*x'];
    const own = facts(
      '/s.conf',
      'sentinel monitor shop 10.0.10.1 6379 2',
      'sentinel myid x',
      ...evil.map((address) => `sentinel known-replica shop ${JSON.stringify(address)} 6379`),
    );
    const found = assemble(
      ['pv1'],
      [visited('10.0.10.1', machine([redisConf(), own]), { name: 'pv1', isNamed: true })],
    );
    expect(found.conflicts).toHaveLength(evil.length);
    expect(inventoryOf(found).hosts.map(({ address }) => address)).toEqual(['10.0.10.1']);
  });

  it('keeps locks of machines that share this one apart', () => {
    const conf = (address: string) =>
      facts(
        `/lab/${address}/s.conf`,
        `bind ${address}`,
        'sentinel monitor lab 127.9.9.1 6379 2',
        'sentinel myid x',
        'sentinel known-sentinel lab 127.9.9.2 26379',
      );
    const redis = facts('/lab/r.conf', 'bind 127.9.9.1', 'save ""');
    const visits = ['127.9.9.1', '127.9.9.2'].map((address, index) =>
      visited(address, machine([redis, conf('127.9.9.1'), conf('127.9.9.2')], { become: 'none' }), {
        transport: 'local',
        isNamed: index === 0,
      }),
    );
    const { hosts } = inventoryOf(assemble(['127.9.9.1'], visits));
    expect(hosts.map(({ name, state, nodes }) => [name, state, nodes.length])).toEqual([
      ['127.9.9.1', '/state/127.9.9.1', 2],
      ['127.9.9.2', '/state/127.9.9.2', 1],
    ]);
  });
});
