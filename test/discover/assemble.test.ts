import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, unvisited } from '../../src/discover/assemble.js';
import type { Claim, Found, Visit } from '../../src/model/found.js';
import { dark, deadFleet, facts, machine, redisConf, sentinelConf, visited } from './machines.js';

const [a, b, c] = ['10.0.10.1', '10.0.10.2', '10.0.10.3'] as const;
const from = ['pv1'];
const shortly = ({ members }: Found) =>
  members.map(({ kind, host, port, known, groups }) => `${kind} ${host}:${port} ${known} ${groups.join()}`);
const whole = [a, b, c].flatMap((host) => [`redis ${host}:6379 seen shop`, `sentinel ${host}:26379 seen shop`]).sort();

describe('a fleet that is put together from files', () => {
  it('is found whole from one machine when everything is dead', () => {
    const [first] = deadFleet();
    expect(unvisited([first as Visit], []).map(({ host }) => host)).toEqual([b, c]);
    const found = assemble(from, deadFleet());
    expect(shortly(found)).toEqual(whole);
    expect(found.conflicts).toEqual([]);
    expect(found.notes).toEqual([]);
    expect(found.members.every(({ runs }) => runs === false)).toBe(true);
    expect(unvisited(deadFleet(), [])).toEqual([]);
  });

  it('is the same in whatever order the machines were seen', () => {
    const expected = assemble(from, deadFleet());
    fc.assert(
      fc.property(fc.shuffledSubarray([...deadFleet()], { minLength: 3 }), (visits) => {
        expect(assemble(from, visits).members).toEqual(expected.members);
      }),
    );
  });

  it('keeps a member that could not be entered, with everybody who names it', () => {
    const [one, two] = deadFleet() as [Visit, Visit];
    const found = assemble(from, [one, two, dark(c, 'connect ETIMEDOUT')]);
    const gone = found.members.filter(({ host }) => host === c);
    expect(gone.map(({ kind, known, by, runs }) => ({ kind, known, by, runs }))).toEqual([
      { kind: 'redis', known: 'claimed', by: ['10.0.10.2/sentinel', 'pv1/sentinel'], runs: undefined },
      { kind: 'sentinel', known: 'claimed', by: ['10.0.10.2/sentinel', 'pv1/sentinel'], runs: undefined },
    ]);
    expect(found.conflicts).toEqual([]);
  });

  it('takes in whom running nodes name beside the files', () => {
    const heard: Claim[] = [
      { kind: 'redis', host: '10.0.10.9', port: 6379, group: 'shop', visit: 'pv1', by: 'pv1/sentinel' },
    ];
    expect(unvisited(deadFleet(), heard).map(({ host }) => host)).toEqual(['10.0.10.9']);
    expect(shortly(assemble(from, deadFleet(), heard))).toContain('redis 10.0.10.9:6379 claimed shop');
  });

  it('finds a replica that no sentinel names by the master that its file names, and the other way round', () => {
    const lone = visited('10.0.10.8', machine([redisConf(a)]), { isNamed: true });
    expect(shortly(assemble(from, [...deadFleet(), lone]))).toContain('redis 10.0.10.8:6379 seen shop');
    const old = visited(b, machine([redisConf('10.0.10.7'), sentinelConf('shop', b, [], [])]), { isNamed: true });
    expect(shortly(assemble(from, [old]))).toContain('redis 10.0.10.7:6379 claimed shop');
  });

  it('leaves out a redis that no sentinel monitors and a sentinel that never ran, and says so', () => {
    const cache = facts('/etc/redis/cache.conf', 'port 7000', 'save ""');
    const example = facts('/opt/redis/sentinel.conf', 'sentinel monitor mymaster 127.0.0.1 6379 2');
    const unit = { name: 'cache', manager: 'systemd', configs: ['/etc/redis/cache.conf'] } as const;
    const [one, ...rest] = deadFleet() as [Visit, ...Visit[]];
    const configs = [redisConf(), sentinelConf('shop', a, [b, c], [b, c]), cache, example];
    const more = visited(a, machine(configs, { addresses: [a], units: [unit] }), { name: 'pv1', isNamed: one.isNamed });
    const found = assemble(from, [more, ...rest]);
    expect(shortly(found)).toEqual(whole);
    expect(found.notes).toEqual([
      expect.stringMatching(/redis 10\.0\.10\.1:7000 .*is in no group .*left out/),
      expect.stringMatching(/\/opt\/redis\/sentinel\.conf on pv1 is of a sentinel that never ran/),
    ]);
  });

  it('knows each group of a sentinel that monitors two', () => {
    const two = facts(
      '/s.conf',
      'sentinel monitor shop 10.0.10.1 6379 2',
      'sentinel monitor cache 10.0.10.2 6379 2',
      `sentinel myid ${'c'.repeat(40)}`,
    );
    const found = assemble(
      ['10.0.0.5'],
      [
        visited('10.0.0.5', machine([two]), { isNamed: true }),
        visited(a, machine([redisConf()])),
        visited(b, machine([redisConf()])),
      ],
    );
    expect(found.groups).toEqual(['cache', 'shop']);
    expect(shortly(found)).toEqual([
      'redis 10.0.10.1:6379 seen shop',
      'redis 10.0.10.2:6379 seen cache',
      'sentinel 10.0.0.5:26379 seen cache,shop',
    ]);
    expect(found.conflicts).toEqual([]);
  });
});

describe('what must be settled by a person', () => {
  it('is a redis that is named for two groups', () => {
    const both = facts(
      '/s.conf',
      'sentinel monitor shop 10.0.10.1 6379 2',
      'sentinel monitor cache 10.0.10.1 6379 2',
      'sentinel myid x',
    );
    const found = assemble(
      ['10.0.0.5'],
      [visited('10.0.0.5', machine([both]), { isNamed: true }), visited(a, machine([redisConf()]))],
    );
    expect(found.conflicts).toEqual(['redis 10.0.10.1:6379 is named for cache and for shop']);
  });

  it('is another fleet that one lying sentinel led to, although its own members name each other', () => {
    const [x, y] = ['10.9.9.1', '10.9.9.2'];
    const lying = sentinelConf('shop', a, [b, c], [b, c, x]);
    const [, ...rest] = deadFleet();
    const visits = [
      visited(a, machine([redisConf(), lying], { addresses: [a] }), { name: 'pv1', isNamed: true }),
      ...rest,
      visited(x, machine([redisConf(), sentinelConf('shop', x, [y], [y])])),
      visited(y, machine([redisConf(x), sentinelConf('shop', x, [y], [x])])),
    ];
    expect(assemble(from, visits).conflicts).toEqual([
      expect.stringMatching(/^10\.9\.9\.1 was named by another machine, and its own files name none/),
      expect.stringMatching(/^10\.9\.9\.2 was named/),
    ]);
  });

  it('is an address or a group that hides something in its letters; nobody goes there', () => {
    const evil = ['-oProxyCommand=touch', '10.0.0.1\u001b[2J', '$(id)', 'a b', '\u202epv1', '10.0.0.1;id'];
    const own = facts(
      '/s.conf',
      'sentinel monitor "sh\\x1b[2Jop" 10.0.10.1 6379 2',
      'sentinel myid x',
      ...evil.map((address) => `sentinel known-replica "sh\\x1b[2Jop" "${address}" 6379`),
    );
    const visits = [visited(a, machine([redisConf(), own], { addresses: [a] }), { name: 'pv1', isNamed: true })];
    expect(unvisited(visits, [])).toEqual([]);
    const { conflicts } = assemble(from, visits);
    expect(conflicts).toHaveLength(1 + evil.length);
    expect(conflicts[0]).toContain('cannot be a group');
  });

  it('is no machine to go to: broadcast, multicast and unspecified addresses', () => {
    const odd = ['0.0.0.0', '255.255.255.255', '224.0.0.1', '::', 'ff02::1'];
    const visits = [visited(a, machine([sentinelConf('shop', a, odd, odd)], { addresses: [a] }), { isNamed: true })];
    expect(unvisited(visits, [])).toEqual([]);
    expect(assemble(from, visits).members.map(({ host }) => host)).toEqual([a, a]);
  });

  it('is a node that runs with a file that was not found', () => {
    const process = { pid: 812, kind: 'redis', isValkey: false, listens: ['10.0.10.1:6379'], cwd: '/srv' } as const;
    const configs = [sentinelConf('shop', a, [b, c], [b, c])];
    const [, ...rest] = deadFleet();
    const visits = [
      visited(a, machine(configs, { addresses: [a], processes: [process] }), { name: 'pv1', isNamed: true }),
      ...rest,
    ];
    const found = assemble(from, visits);
    expect(found.conflicts).toEqual([
      'redis 10.0.10.1:6379 runs with a config file that was not found: name it with --conf FILE',
    ]);
    expect(found.members.find(({ host, kind }) => host === a && kind === 'redis')).toMatchObject({
      known: 'claimed',
      runs: true,
    });
  });

  it('is a second file for the same port, where nothing says which one is used', () => {
    const configs = [redisConf(), redisConf(b, '/etc/redis/old.conf'), sentinelConf('shop', a, [b, c], [b, c])];
    const [, ...rest] = deadFleet();
    const visits = (units: { name: string; manager: 'systemd'; configs: string[] }[]) => [
      visited(a, machine(configs, { addresses: [a], units }), { name: 'pv1', isNamed: true }),
      ...rest,
    ];
    expect(assemble(from, visits([])).conflicts).toEqual([
      expect.stringMatching(/redis\.conf and .*old\.conf on pv1 are both for port 6379/),
    ]);
    const units = [
      { name: 'redis-server', manager: 'systemd', configs: ['/etc/redis/redis.conf'] } as const,
      { name: 'redis-sentinel', manager: 'systemd', configs: ['/etc/redis/sentinel.conf'] } as const,
    ].map((unit) => ({ ...unit, configs: [...unit.configs] }));
    const found = assemble(from, visits(units));
    expect(found.conflicts).toEqual([]);
    expect(found.members.find(({ host, kind }) => host === a && kind === 'redis')).toMatchObject({
      config: '/etc/redis/redis.conf',
      unit: 'redis-server',
    });
  });

  it('is this machine, where its nodes are services: only ssh may restart those', () => {
    const units = [{ name: 'redis-server', manager: 'systemd', configs: ['/etc/redis/redis.conf'] } as const];
    const visits = (transport: Visit['transport']) => [
      visited(
        a,
        machine([redisConf(), sentinelConf('shop', a, [], [])], {
          addresses: [a],
          units: units.map((each) => ({ ...each })),
        }),
        { isNamed: true, transport },
      ),
    ];
    const says = (transport: Visit['transport']) =>
      assemble(from, visits(transport)).conflicts.filter((text) => /over ssh only/.test(text));
    expect(says('local')).toHaveLength(1);
    expect(says('ssh')).toEqual([]);
  });

  it('is a machine whose sentinels know their nodes as loopback addresses, seen from another one', () => {
    const local = sentinelConf('mymaster', '127.0.0.1', [], []);
    const visits = (transport: Visit['transport']) => [
      visited('10.0.10.1', machine([redisConf(), local]), { isNamed: true, transport }),
    ];
    expect(assemble(from, visits('ssh')).conflicts).toEqual([
      expect.stringMatching(/use redis-runbook on 10\.0\.10\.1 itself/),
    ]);
    expect(assemble(from, visits('local')).conflicts).toEqual([]);
  });
});
