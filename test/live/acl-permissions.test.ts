import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refusedTo, replicationCommands, sentinelCommands } from '../../src/audit/rules/failover/acl-permissions.js';
import { parseTarget } from '../../src/audit/target.js';
import { parseLine } from '../../src/redis/redis-conf.js';
import { ownAddress, rawCommand, waitFor } from './own-redis.js';

const address = ownAddress();
const server = spawn('redis-server', ['--bind', address, '--port', '6379', '--save', '', '--appendonly', 'no'], {
  stdio: 'ignore',
});

beforeAll(async () => {
  await waitFor('the server', () => rawCommand(address, 6379, ['PING']).catch(() => undefined));
});
afterAll(() => {
  server.kill('SIGKILL');
});

const wanted = [...sentinelCommands, ...replicationCommands];
const rules = [
  ...['+@all', '-@all', 'allcommands', 'nocommands', 'reset', 'on', 'on', 'on'],
  ...['admin', 'slow', 'fast', 'dangerous', 'connection', 'pubsub', 'transaction', 'keyspace', 'write'].flatMap(
    (name) => [`+@${name}`, `-@${name}`],
  ),
  ...wanted.flatMap(({ name, sub }) => [`+${name}`, `-${name}`, ...(sub ? [`+${name}|${sub}`] : [])]),
  ...['-config|rewrite', '-client|kill', '+client|setname', '-client|setname', '+CONFIG', '+config|get', '+get'],
  ...['allchannels', 'resetchannels', '&*', '&__sentinel__:hello', '&__sentinel__:*', '&news', '&__s?ntinel__*'],
];

/** Numbers that look random and are the same every time. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** Arguments that make each command whole. */
const whole: Readonly<Record<string, readonly string[]>> = {
  slaveof: ['no', 'one'],
  subscribe: ['__sentinel__:hello'],
  publish: ['__sentinel__:hello', 'x'],
  'client|kill': ['type', 'normal'],
  psync: ['?', '-1'],
};

it('agrees with ACL DRYRUN about what a user may do', async () => {
  const next = sequence(20_261_121);
  const target = parseTarget('redis-7.0.15');
  if (target === undefined) throw new Error('no target');
  let compared = 0;
  for (let round = 0; round < 200; round += 1) {
    const words = ['on', ...Array.from({ length: 1 + next(9) }, () => rules[next(rules.length)] ?? 'on')];
    const set = await rawCommand(address, 6379, ['ACL', 'SETUSER', 'u', 'reset', ...words]);
    if (!set.startsWith('+OK')) continue;
    compared += 1;
    const list = await rawCommand(address, 6379, ['ACL', 'LIST']);
    const line = parseLine('users', 1, `user u ${words.join(' ')}`);
    const refused = refusedTo(line, wanted, '__sentinel__:hello', target, false);
    if (!list.includes('user u on')) {
      expect(refused, words.join(' ')).toEqual(['off']);
      continue;
    }
    const said = await dryRuns();
    for (const [at, { name, sub }] of wanted.entries()) {
      const key = sub === undefined ? name : `${name}|${sub}`;
      const channel = ['subscribe', 'publish'].includes(name) && refused.includes('channel __sentinel__:hello');
      expect(said[at] === 'OK', `${key} of: ${words.join(' ')}: ${said[at]}`).toBe(!refused.includes(key) && !channel);
    }
  }
  expect(compared).toBeGreaterThan(100);
}, 60_000);

/** What the server says of each wanted command: `OK`, or why not. */
async function dryRuns(): Promise<readonly string[]> {
  const dry = wanted.map(({ name, sub }) => {
    const key = sub === undefined ? name : `${name}|${sub}`;
    return ['ACL', 'DRYRUN', 'u', name, ...(sub === undefined ? [] : [sub]), ...(whole[key] ?? [])];
  });
  const lines = (await rawCommand(address, 6379, ...dry)).split('\r\n');
  const said = lines.filter((line) => line !== '' && !line.startsWith('$')).map((line) => line.replace(/^\+/, ''));
  expect(said).toHaveLength(wanted.length + 1);
  return said;
}
