import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import { loadInventory, parseInventory } from '../../src/inventory/load.js';
import { nodesOf } from '../../src/model/inventory.js';

const mine = { uid: 1000, mode: 0o100644 };
const shop = 'test/fixtures/fleet/shop.yaml';

/** A small fleet whose parts a test replaces. */
function fleet(parts: { readonly head?: string; readonly hosts?: string } = {}): string {
  const hosts = parts.hosts ?? '  pv1: { address: 10.0.0.1, runs: [redis, sentinel] }';
  return `${parts.head ?? 'name: shop\ngroup: stn-master'}\nhosts:\n${hosts}\n`;
}

function read(text: string, owner = mine, myUid = 1000) {
  return parseInventory('fleet.yaml', text, owner, myUid);
}

/** The facts of the error that the text must cause. */
function mistakesIn(text: string, owner = mine, myUid = 1000): readonly string[] {
  try {
    read(text, owner, myUid);
  } catch (error) {
    if (error instanceof RunbookError && error.word === 'fleet-file') {
      return error.facts;
    }
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('a fleet file that is right', () => {
  it('is the fleet of the manual, with every default filled in', async () => {
    const inventory = await loadInventory(shop);
    expect(inventory).toMatchObject({ fleet: 'shop', file: shop, groups: ['stn-master'] });
    expect(inventory.password).toEqual({ from: 'env', name: 'REDIS_PASSWORD' });
    expect(inventory.hosts.map((host) => [host.name, host.line])).toEqual([
      ['pv1', 12],
      ['pv2', 13],
      ['pv3', 14],
      ['pvha1', 15],
      ['pvha2', 16],
    ]);
    expect(inventory.hosts[0]).toMatchObject({
      address: '10.0.10.1',
      transport: 'ssh',
      become: 'sudo',
      service: 'auto',
      state: '/var/lib/redis-runbook',
    });
    expect(inventory.hosts[0]?.ssh).toEqual({
      user: 'ops',
      port: 22,
      identity: '~/.ssh/id_ed25519',
      knownHosts: '~/.ssh/known_hosts',
    });
    expect(nodesOf(inventory, 'redis').map((node) => node.id)).toEqual(['pv1', 'pv2', 'pv3']);
    expect(nodesOf(inventory, 'sentinel').map((node) => node.id)).toEqual([
      'pv1/sentinel',
      'pv2/sentinel',
      'pv3/sentinel',
      'pvha1/sentinel',
      'pvha2/sentinel',
    ]);
    expect(nodesOf(inventory, 'redis')[0]).toEqual({
      kind: 'redis',
      id: 'pv1',
      host: 'pv1',
      address: '10.0.10.1',
      port: 6379,
      config: '/etc/redis/redis.conf',
      unit: 'redis-server',
      start: ['redis-server', '/etc/redis/redis.conf'],
      group: 'stn-master',
      password: { from: 'env', name: 'REDIS_PASSWORD' },
    });
    const sentinel = nodesOf(inventory, 'sentinel')[0];
    expect(sentinel?.start).toEqual(['redis-sentinel', '/etc/redis/sentinel.conf']);
    expect(sentinel).not.toHaveProperty('group');
    expect(sentinel).not.toHaveProperty('password');
  });

  it('may leave everything out that has a default', () => {
    const inventory = read(fleet());
    expect(inventory.password).toEqual({ from: 'node' });
    expect(inventory.hosts[0]).toMatchObject({ transport: 'ssh', become: 'none', service: 'auto' });
  });

  it('has SSH settings only where it says some, key by key from the host, then the defaults', () => {
    const head = 'name: shop\ngroup: g\ndefaults: { ssh: { user: ops, port: 2222, proxy-jump: bastion } }';
    const hosts = [
      '  a: { address: 10.0.0.1, runs: [redis, sentinel] }',
      '  b: { address: 10.0.0.2, runs: [sentinel], ssh: { user: me, proxy-command: [nc, b], known-hosts: /kh } }',
    ].join('\n');
    const [a, b] = read(fleet({ head, hosts })).hosts;
    expect(a?.ssh).toEqual({ user: 'ops', port: 2222, proxyJump: 'bastion' });
    expect(b?.ssh).toEqual({
      user: 'me',
      port: 2222,
      proxyJump: 'bastion',
      proxyCommand: ['nc', 'b'],
      knownHosts: '/kh',
    });
    expect(read(fleet()).hosts[0]).not.toHaveProperty('ssh');
  });

  it('merges tls key by key, and its paths are beside the file', () => {
    const head = 'name: shop\ngroup: g\ndefaults: { tls: { ca: ca.pem }, user: ops }';
    const hosts = [
      '  a: { address: 10.0.0.1, runs: [redis, sentinel], tls: { server-name: a.lab } }',
      '  b: { address: 10.0.0.2, runs: [redis, {sentinel: {user: s}}], redis: { tls: false } }',
    ].join('\n');
    const [redis, sentinel, plain, named] = read(fleet({ head, hosts })).hosts.flatMap(({ nodes }) => nodes);
    expect(redis).toMatchObject({ tls: { ca: join(process.cwd(), 'ca.pem'), serverName: 'a.lab' }, user: 'ops' });
    expect(sentinel).not.toHaveProperty('user');
    expect(plain?.tls).toBe(false);
    expect(named?.user).toBe('s');
  });

  it.each([
    ['redis: { direct: true }', 'direct of pv1 needs tls'],
    ['tls: { cert: c.pem }', 'cert and key go together, found cert alone'],
    ['redis: { socket: /run/r.sock, tls: true }', 'Redis speaks no TLS on a unix socket'],
    ['redis: { socket: r.sock }', 'a path on the host that begins with /'],
    ['tls: { cacert: c.pem }', 'cacert'],
  ])('refuses %s with its line and column', (settings, says) => {
    const [mistake] = mistakesIn(
      fleet({ hosts: `  pv1: { address: 10.0.0.1, runs: [redis, sentinel], ${settings} }` }),
    );
    expect(mistake).toMatch(/^fleet\.yaml:4:\d+ /);
    expect(mistake).toContain(says);
  });

  it('says what is kept of backups, with every default filled in', () => {
    const head = (backup: string) => fleet({ head: `name: shop\ngroup: g\nbackup: ${backup}` });
    expect(read(fleet())).not.toHaveProperty('backup');
    expect(read(head('{}')).backup).toEqual({
      keep: { buckets: {}, withinBuckets: {}, tags: [] },
      limitMs: 26 * 3_600_000,
      trashMs: 7 * 86_400_000,
      timeZone: 'UTC',
    });
    const keep = '{ last: 3, daily: 7, weekly: unlimited, within: 1m2d, within-daily: 36h, tags: [before-8] }';
    const said = `{ repository: /b, keep: ${keep}, limit: 1d2h, trash: 3d, time-zone: Asia/Seoul, metrics: /m, ping: { file: /p } }`;
    expect(read(head(said)).backup).toEqual({
      repository: '/b',
      keep: {
        last: 3,
        buckets: { daily: 7, weekly: 'unlimited' },
        within: { years: 0, months: 1, days: 2, hours: 0 },
        withinBuckets: { daily: { years: 0, months: 0, days: 0, hours: 36 } },
        tags: ['before-8'],
      },
      limitMs: 26 * 3_600_000,
      trashMs: 3 * 86_400_000,
      timeZone: 'Asia/Seoul',
      metrics: '/m',
      ping: { from: 'file', path: '/p' },
    });
  });

  it.each([
    ['{ repositry: /b }', '3:11  unknown key "repositry" in backup; did you mean "repository"?'],
    ['{ repository: s3://bucket }', 'a directory of this machine that begins with / or ~/'],
    ['{ repository: backups }', 'a directory of this machine that begins with / or ~/'],
    ['{ keep: { daly: 7 } }', '3:19  unknown key "daly" in backup.keep; did you mean "daily"?'],
    ['{ keep: { daily: seven } }', 'backup.keep.daily: expected a whole number, or unlimited, found "seven"'],
    ['{ keep: { daily: -1 } }', 'backup.keep.daily: expected a number of at least 0'],
    ['{ keep: { within: 3 weeks } }', 'a span as 2y5m7d3h'],
    ['{ keep: last=3 }', 'backup.keep: expected a map (key: value), found "last=3"'],
    ['{ limit: 24 }', 'backup.limit: expected a text, found 24'],
    ['{ limit: 0h }', 'an age as 26h or 2d12h'],
    ['{ limit: "" }', 'an age as 26h or 2d12h'],
    ['{ time-zone: Mars/Olympus }', 'a time zone as UTC or Asia/Seoul'],
  ])('refuses backup: %s with its line and column', (backup, says) => {
    const [mistake] = mistakesIn(fleet({ head: `name: shop\ngroup: g\nbackup: ${backup}` }));
    expect(mistake).toMatch(/^fleet\.yaml:3:\d+ /);
    expect(mistake).toContain(says);
  });

  it('never shows the address of a ping, which is as good as a password', () => {
    for (const ping of ['htps://hc.example/secret-uuid', 'https://user:secret-uuid@hc.example/']) {
      const text = mistakesIn(fleet({ head: `name: shop\ngroup: g\nbackup: { ping: "${ping}" }` })).join();
      expect(text).toContain('backup.ping: expected an address that begins with https:// or http://');
      expect(text).not.toContain('secret-uuid');
    }
  });

  it('takes overrides from the defaults, then the host, then the node', () => {
    const inventory = read(
      fleet({
        head: [
          'name: shop',
          'master-name: stn-master',
          'defaults: { transport: local, state: /srv/a, redis: { port: 7000, unit: a }, password: prompt }',
        ].join('\n'),
        hosts: [
          '  a: { address: 10.0.0.1, runs: [redis, sentinel], state: /srv/b, redis: { port: 7001 }, password: node }',
          '  b:',
          '    address: 10.0.0.2',
          '    runs:',
          '      - redis: { config: /b/1.conf, port: 1, unit: b1 }',
          '      - redis: { config: /b/2.conf, port: 2, unit: b2, start: [valkey-server, /b/2.conf] }',
          '      - sentinel: { config: /b/s.conf, direct: true, tls: true, password: { file: pw } }',
        ].join('\n'),
      }),
    );
    const [a, b] = inventory.hosts;
    expect(a).toMatchObject({ transport: 'local', state: '/srv/b' });
    expect(a?.nodes[0]).toMatchObject({ id: 'a', port: 7001, unit: 'a', password: { from: 'node' } });
    expect(b).toMatchObject({ transport: 'local', state: '/srv/a' });
    expect(b?.nodes.map((node) => [node.id, node.port, node.start.join(' '), node.password?.from])).toEqual([
      ['b:1', 1, 'redis-server /b/1.conf', 'prompt'],
      ['b:2', 2, 'valkey-server /b/2.conf', 'prompt'],
      ['b/sentinel', 26379, 'redis-sentinel /b/s.conf', 'file'],
    ]);
  });

  it("takes Valkey's own programs where the unit or the config is Valkey's", () => {
    const hosts = [
      '  a: { address: 10.0.0.1, runs: [redis, sentinel], redis: { unit: valkey-server }, sentinel: { unit: valkey-sentinel } }',
      '  b: { address: 10.0.0.2, runs: [redis], redis: { config: /etc/valkey/valkey.conf } }',
    ].join('\n');
    const starts = read(fleet({ hosts })).hosts.flatMap((host) => host.nodes.map((node) => node.start[0]));
    expect(starts).toEqual(['valkey-server', 'valkey-sentinel', 'valkey-server']);
  });

  it('may hold several groups when each redis says its own', () => {
    const inventory = read(
      fleet({
        head: 'name: shop\ngroups: [a, b]',
        hosts: [
          '  h1: { address: 10.0.0.1, runs: [{ redis: { group: a } }, sentinel] }',
          '  h2: { address: 10.0.0.2, runs: [redis], redis: { group: b } }',
        ].join('\n'),
      }),
    );
    expect(inventory.groups).toEqual(['a', 'b']);
    expect(nodesOf(inventory, 'redis').map((node) => node.group)).toEqual(['a', 'b']);
  });
});

describe('a fleet file that is wrong', () => {
  it('names each unknown key with its place and the nearest known one, all at once', () => {
    const text = fleet({
      head: 'name: shop\ngruop: stn-master\ngroup: stn-master\ndefaults:\n  sentinal: { port: 1 }\n  redis: { prot: 1 }',
      hosts: '  pv1: { adress: 10.0.0.1, address: 10.0.0.1, runs: [redis, sentinel] }',
    });
    expect(mistakesIn(text)).toEqual([
      'fleet.yaml:2:1  unknown key "gruop"; did you mean "group"?',
      'fleet.yaml:5:3  unknown key "sentinal" in defaults; did you mean "sentinel"?',
      'fleet.yaml:6:12  unknown key "prot" in defaults.redis; did you mean "port"?',
      'fleet.yaml:8:10  unknown key "adress" in hosts.pv1; did you mean "address"?',
    ]);
  });

  it.each([
    [
      'a port that is a text',
      '{ address: 10.0.0.1, runs: [{ redis: { port: "x" } }, sentinel] }',
      '4:53  hosts.pv1.runs[1].redis.port: expected a whole number, found "x"',
    ],
    [
      'a port too high',
      '{ address: 10.0.0.1, runs: [redis, sentinel], redis: { port: 70000 } }',
      '4:69  hosts.pv1.redis.port: expected at most 65535, found 70000',
    ],
    [
      'a word that runs does not know',
      '{ address: 10.0.0.1, runs: [redis, sentinal] }',
      '4:43  hosts.pv1.runs[2]: expected one of redis, sentinel, or a map with one of the keys redis, sentinel, found "sentinal"; did you mean "sentinel"?',
    ],
    [
      'an unknown node entry',
      '{ address: 10.0.0.1, runs: [redis, { sentinell: {} }] }',
      '4:45  unknown key "sentinell" in hosts.pv1.runs[2]; did you mean "sentinel"?',
    ],
    [
      'an empty node entry',
      '{ address: 10.0.0.1, runs: [redis, {}] }',
      '4:43  hosts.pv1.runs[2]: expected exactly one of the keys redis, sentinel, found none',
    ],
    ['a missing address', '{ runs: [redis, sentinel] }', '4:8  hosts.pv1.address is missing: expected a text'],
    ['a host that says nothing', '', '4:8  hosts.pv1: expected a map (key: value), found nothing'],
    [
      'a transport that is none',
      '{ address: 10.0.0.1, runs: [redis, sentinel], transport: telnet }',
      '4:65  hosts.pv1.transport: expected one of ssh, openssh, local, found "telnet"',
    ],
    [
      'a relative config path',
      '{ address: 10.0.0.1, runs: [redis, sentinel], redis: { config: redis.conf } }',
      '4:71  hosts.pv1.redis.config: expected a path on the host that begins with /, found "redis.conf"',
    ],
    [
      'an empty start',
      '{ address: 10.0.0.1, runs: [redis, sentinel], redis: { start: [] } }',
      '4:70  hosts.pv1.redis.start: expected at least one entry, found an empty list',
    ],
  ])('says what was expected: %s', (_, host, mistake) => {
    expect(mistakesIn(fleet({ hosts: `  pv1: ${host}` }))).toEqual([`fleet.yaml:${mistake}`]);
  });

  it.each([
    [
      'two nodes at one address and port',
      '  a: { address: 10.0.0.1, runs: [redis, sentinel] }\n  b: { address: 10.0.0.1, runs: [redis] }',
      '5:34  redis of b stands at the same address and port as redis of a: 10.0.0.1:6379',
    ],
    ['no redis', '  a: { address: 10.0.0.1, runs: [sentinel] }', '2:1  no host runs a redis of the group "stn-master"'],
    [
      'no sentinel',
      '  a: { address: 10.0.0.1, runs: [redis] }',
      '3:1  no host runs a sentinel: expected runs: [sentinel] at one host at least',
    ],
    [
      'an unknown group',
      '  a: { address: 10.0.0.1, runs: [redis, { redis: { port: 1, group: stn-mastr, config: /b, unit: b } }, sentinel] }',
      '4:68  the group "stn-mastr" is not declared; did you mean "stn-master"?',
    ],
    [
      'one config for two nodes',
      '  a: { address: 10.0.0.1, runs: [redis, { redis: { port: 1, unit: b } }, sentinel] }',
      '4:41  redis of a has the same config file as redis of a: /etc/redis/redis.conf',
    ],
    [
      'one unit for two nodes',
      '  a: { address: 10.0.0.1, runs: [redis, { redis: { port: 1, config: /b } }, sentinel] }',
      '4:41  redis of a has the same unit as redis of a: redis-server',
    ],
  ])('is refused for its meaning: %s', (_, hosts, mistake) => {
    expect(mistakesIn(fleet({ hosts }))).toEqual([`fleet.yaml:${mistake}`]);
  });

  it.each([
    ['no group', 'name: shop', '1:1  group is missing: expected the name that Sentinel monitors'],
    [
      'two keys for the group',
      'name: shop\ngroup: a\nmaster-name: a',
      '3:1  one of the keys group, master-name is enough',
    ],
    ['a redis without a group', 'name: shop\ngroups: [a]\n', undefined],
  ])('says how the group is given: %s', (_, head, mistake) => {
    if (mistake === undefined) {
      expect(read(fleet({ head })).groups).toEqual(['a']);
    } else {
      expect(mistakesIn(fleet({ head }))).toEqual([`fleet.yaml:${mistake}`]);
    }
  });

  it('never repeats what stands where a password source belongs', () => {
    const text = fleet({ head: 'name: shop\ngroup: a\ndefaults: { password: hunter2-hunter2 }' });
    const said = mistakesIn(text).join('\n');
    expect(said).toContain('fleet.yaml:3:23  defaults.password: expected one of node, prompt');
    expect(said).not.toContain('hunter2');
  });

  it.each([
    '-oProxyCommand=x',
    '-l',
    '--',
    '-',
    '',
    ' ',
    'a b',
    'a;b',
    'a|b',
    'a&b',
    'a$b',
    'a`b',
    'a>b',
    'a<b',
    'a"b',
    "a'b",
    'a\\b',
    'a/b',
    '../a',
    '/a',
    '.a',
    ':a',
    '%a',
    '@a',
    'a@b',
    'a=b',
    'a,b',
    'a*b',
    'a?b',
    'a(b',
    'a{b',
    'a[b',
    'a#b',
    'a!b',
    'a~b',
    'a^b',
    'a\nb',
    'a\tb',
    'a\u0000b',
    'a\u001bb',
    'a\u202eb',
    'é',
    'a\u00a0b',
    'x'.repeat(300),
  ])('takes no name, address, user or group that could be an option or a command: %j', (hostile) => {
    const quoted = JSON.stringify(hostile);
    const head = `name: shop\ngroup: ${quoted}\ndefaults: { ssh: { user: ${quoted} } }`;
    const hosts = `  ${quoted}: { address: 10.0.0.1, runs: [redis, sentinel] }\n  b: { address: ${quoted}, runs: [sentinel] }`;
    const said = mistakesIn(fleet({ head, hosts }));
    expect(said.map((mistake) => mistake.split(':')[1])).toEqual(['2', '3', '5', '6']);
  });
});

describe('a fleet file that wants to run something', () => {
  const runs = [
    'defaults: { password: { command: [cat, /pw] } }',
    'defaults: { redis: { start: [sh, -c, x] } }',
    'defaults: { ssh: { proxy-command: [nc] } }',
    'defaults: { ssh: { proxy-jump: bastion } }',
    'backup: { ping: "https://hc.example/x" }',
    'backup: { ping: { env: PING } }',
  ];

  it.each(runs)('may do so when it is mine: %s', (line) => {
    expect(read(fleet({ head: `name: shop\ngroup: a\n${line}` })).fleet).toBe('shop');
    expect(read(fleet({ head: `name: shop\ngroup: a\n${line}` }), { uid: 0, mode: 0o100644 }).fleet).toBe('shop');
  });

  it.each(runs)("may not when it is another user's or others may write it: %s", (line) => {
    const text = fleet({ head: `name: shop\ngroup: a\n${line}` });
    expect(mistakesIn(text, { uid: 1001, mode: 0o100644 })).toEqual([
      expect.stringMatching(/^fleet\.yaml:3:\d+ {2}the key ".*" runs or reaches something .*belongs to user 1001/),
    ]);
    for (const mode of [0o100664, 0o100646]) {
      expect(mistakesIn(text, { uid: 1000, mode })).toEqual([expect.stringContaining('others may write it')]);
    }
  });

  it('is otherwise read from anybody, also with hosts that are called like such a key', () => {
    const hosts = '  start: { address: 10.0.0.1, runs: [redis, sentinel] }';
    expect(read(fleet({ hosts }), { uid: 1001, mode: 0o100666 }).hosts[0]?.name).toBe('start');
  });
});

describe('a fleet file that is not a small YAML map', () => {
  it.each([
    ['a tag', 'name: !!js/function x\n', '1:7  tags (!name) are not read in this file'],
    ['a duplicate key', 'name: a\nname: b\n', '2:1  the same key stands here a second time'],
    ['two documents', 'name: a\n---\nname: b\n', '2:1  a second document (---) begins here; the file holds one'],
    ['a tab', 'defaults:\n\tredis: 1\n', '2:1  a tab stands where blanks are expected'],
    ['__proto__', 'hosts: { __proto__: { address: a } }\n', '1:10  __proto__ is not a key'],
    ['nothing', '# nothing\n', '1:1  the file is empty: expected name, group and hosts'],
    ['a map as a key', '? { a: b }\n: c\n', '1:3  a key must be a plain word'],
  ])('says so: %s', (_, text, mistake) => {
    expect(mistakesIn(text)).toContain(`fleet.yaml:${mistake}`);
  });

  it('does not merge, and does not keep what a merge key brings', () => {
    const text = fleet({
      hosts: '  a: &a { address: 10.0.0.1, runs: [redis, sentinel] }\n  b: { <<: *a, address: 10.0.0.2 }',
    });
    expect(mistakesIn(text)).toContainEqual(expect.stringContaining('fleet.yaml:5:8  unknown key "<<" in hosts.b'));
  });

  it('ends at the classic alias bomb at once', () => {
    const levels = 'abcdefghi'.split('').map((name, index, all) => {
      const before = all[index - 1];
      const items = before === undefined ? '"lol"' : `*${before}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => items).join(', ')}]`;
    });
    const began = performance.now();
    expect(mistakesIn(levels.join('\n'))).toEqual(['fleet.yaml:1:1  too many aliases (*name): at most 50 copies']);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it.each([
    ['brackets', '['.repeat(1024 * 1024)],
    ['braces', '{a: '.repeat(256 * 1024)],
    ['dashes', '- '.repeat(512 * 1024)],
    ['question marks', '? '.repeat(512 * 1024)],
    ['steps', Array.from({ length: 1400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('ends at a megabyte of %s', (_, text) => {
    const began = performance.now();
    expect(mistakesIn(text)).toEqual([expect.stringContaining('more than 32 levels deep')]);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('a fleet file on disk', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'runbook-fleet-'));
  });
  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  async function refusal(path: string): Promise<string> {
    const error = await loadInventory(path).catch((caught: unknown) => caught);
    if (!(error instanceof RunbookError)) {
      throw new Error(`no RunbookError for ${path}`);
    }
    return `${error.word}: ${error.message}`;
  }

  it('is refused when it is missing, a directory, a pipe, too large or not text', async () => {
    expect(await refusal(join(directory, 'none.yaml'))).toMatch(/^no-fleet: .*there is no such file/);
    expect(await refusal(directory)).toMatch(/^no-fleet: .*not a regular file/);
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    expect(await refusal(join(directory, 'pipe'))).toMatch(/^no-fleet: .*not a regular file/);
    await writeFile(join(directory, 'large.yaml'), Buffer.alloc(1024 * 1024 + 1, '#'));
    expect(await refusal(join(directory, 'large.yaml'))).toMatch(/^no-fleet: .*larger than 1 MB/);
    await writeFile(join(directory, 'latin.yaml'), Buffer.from([0x6e, 0xff, 0xfe]));
    expect(await refusal(join(directory, 'latin.yaml'))).toMatch(/^no-fleet: .*not UTF-8/);
  });

  it('loses its executing keys as soon as the group may write it', async () => {
    const path = join(directory, 'fleet.yaml');
    await writeFile(path, fleet({ head: 'name: a\ngroup: b\ndefaults: { redis: { start: [redis-server, /x] } }' }));
    await chmod(path, 0o600);
    expect((await loadInventory(path)).hosts[0]?.nodes[0]?.start).toEqual(['redis-server', '/x']);
    await chmod(path, 0o660);
    expect(await refusal(path)).toMatch(/^fleet-file: /);
  });
});
