import { lowerAscii } from '../../../redis/tokenise.js';
import { atLeast } from '../../../redis/versions.js';
import { each, together, where } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { ownOptionOf, spotOf, wordOf } from '../../settings.js';
import type { Lines } from '../../view.js';
import { defaultUser, usersOf } from './users.js';

/** Commands that delete everything, stop the server, or walk over all keys at once. */
const dangerous = ['flushall', 'flushdb', 'keys', 'debug', 'config', 'shutdown'] as const;

export const dangerousCommandsOpen = defineRule({
  id: 'dangerous-commands-open',
  class: 'security',
  severity: 'info',
  scope: 'redis',
  title: 'every client may delete everything',
  rationale:
    'One user for all means that an application, or whoever took it over, may run FLUSHALL, KEYS over millions of keys, CONFIG SET and SHUTDOWN.',
  source: 'acl.c, category @dangerous; redis.conf, SECURITY',
  fix: 'From 6.0 on give applications a user of their own: user app on >PASSWORD ~app:* +@all -@dangerous. Before, rename-command on every node alike.',
  fixtures: {
    fails: 'test/audit/fixtures/dangerous-commands-open/fails',
    nearMiss: 'test/audit/fixtures/dangerous-commands-open/near-miss',
  },
  needs: (node) => ({ set: together({ users: usersOf(node), renames: node.linesOf('rename-command') }) }),
  check: ({ set: { users, renames } }, { target }): readonly Problem[] => {
    const gone = new Set(renames.lines.map(({ args }) => lowerAscii(args[0] ?? '')));
    const open = dangerous.filter((name) => !gone.has(name));
    const acl = atLeast(target.compatible, '6.0');
    const limited =
      acl &&
      (users.lines.some(({ args }) => args[0] !== 'default') ||
        defaultUser(users)?.args.some((rule) => /^(?:-@(?:all|dangerous)|nocommands|off)$/i.test(rule)) === true);
    if (limited || open.length === 0) return [];
    return [{ message: `the one user of all clients may run ${open.map((name) => name.toUpperCase()).join(', ')}` }];
  },
});

export const renameCommandInsteadOfAcl = defineRule({
  id: 'rename-command-instead-of-acl',
  class: 'security',
  severity: 'info',
  scope: 'redis',
  versions: { redis: { from: '6.0' }, valkey: {} },
  title: 'commands are renamed where users could be limited',
  rationale:
    'A renamed command is gone for the operator, for Sentinel and for tools too, and whoever reads the file knows its new name. Users with rules of their own limit only those whom they should.',
  source: 'redis.conf, SECURITY: "It is possible to change the name of dangerous commands ... (DEPRECATED)"',
  fix: 'Remove rename-command on every node at the same time, and limit the users: -@dangerous.',
  fixtures: {
    fails: 'test/audit/fixtures/rename-command-instead-of-acl/fails',
    nearMiss: 'test/audit/fixtures/rename-command-instead-of-acl/near-miss',
  },
  needs: (node) => ({ renames: node.linesOf('rename-command') }),
  check: ({ renames: { node, lines } }) => {
    const [first, ...more] = lines;
    if (first === undefined) return [];
    const count = lines.length === 1 ? 'a command is renamed' : `${lines.length} commands are renamed`;
    return [
      {
        message: `${count} instead of limiting users`,
        at: { node, line: first },
        beside: more.map((line) => ({ node, line })),
      },
    ];
  },
});

export const renameCommandDiffers = defineRule({
  id: 'rename-command-differs',
  class: 'security',
  severity: 'error',
  scope: 'cross-node',
  title: 'nodes of a group rename commands differently',
  rationale:
    'A master sends commands to its replicas under the names that it has for them, and an append-only file holds them so: a node with other names refuses them, and its data differs without a word.',
  source:
    'server.c:call propagates argv as it came; redis.conf, SECURITY: "changing the name of commands that are logged into the AOF file or transmitted to replicas may cause problems"',
  fix: 'Make the rename-command lines equal on every node, or remove them.',
  fixtures: {
    fails: 'test/audit/fixtures/rename-command-differs/fails',
    nearMiss: 'test/audit/fixtures/rename-command-differs/near-miss',
  },
  needs: (group) => ({
    all: each(
      group.redis.map((node) => node.linesOf('rename-command')),
      'redis nodes',
      2,
    ),
  }),
  check: ({ all }): readonly Problem[] => {
    const [first, ...others] = all;
    if (first === undefined) return [];
    const names = [...new Set(all.flatMap((one) => [...renamed(one).keys()]))];
    return names.flatMap((name): readonly Problem[] => {
      const other = others.find((one) => renamed(one).get(name)?.to !== renamed(first).get(name)?.to);
      if (other === undefined) return [];
      const [a, b] = [renamed(first).get(name), renamed(other).get(name)];
      return [
        {
          message: `${first.node.id} and ${other.node.id} have different names for ${name.toUpperCase()}`,
          at: { node: first.node, line: a?.line },
          beside: [{ node: other.node, line: b?.line }],
        },
      ];
    });
  },
});

function renamed({ lines }: Lines) {
  return new Map(lines.map((line) => [lowerAscii(line.args[0] ?? ''), { to: lowerAscii(line.args[1] ?? ''), line }]));
}

export const debugCommandEnabled = defineRule({
  id: 'debug-command-enabled',
  class: 'security',
  severity: 'warning',
  scope: 'redis',
  versions: { redis: { from: '7.0' }, valkey: {} },
  title: 'commands that 7.0 locked are open again',
  rationale:
    'DEBUG crashes or stops a server, MODULE LOAD runs code as its user, and CONFIG SET of a protected directive (dir, dbfilename) writes files anywhere that it may: all three for every client that logs in.',
  source: 'redis.conf, SECURITY: enable-protected-configs, enable-debug-command, enable-module-command',
  fix: 'Write no, or local for clients of the same machine only.',
  fixtures: {
    fails: 'test/audit/fixtures/debug-command-enabled/fails',
    nearMiss: 'test/audit/fixtures/debug-command-enabled/near-miss',
  },
  needs: (node) => ({
    debug: node.setting('enable-debug-command'),
    module: node.setting('enable-module-command'),
    configs: node.setting('enable-protected-configs'),
  }),
  check: ({ debug, module, configs }) =>
    [debug, module, configs]
      .filter((setting) => lowerAscii(wordOf(setting, 'no')) === 'yes')
      .map((setting) => ({
        message: `${setting.name} is yes: every client that logs in may use it`,
        at: spotOf(setting),
        changes: [{ ...spotOf(setting), now: `${setting.name} local` }],
      })),
});

export const denyScriptsReconfigOff = defineRule({
  id: 'deny-scripts-reconfig-off',
  class: 'security',
  severity: 'error',
  scope: 'sentinel',
  versions: { redis: { from: '3.2.13' }, valkey: {} },
  title: 'whoever reaches the sentinel may run programs on its host',
  rationale:
    'With deny-scripts-reconfig no, SENTINEL SET names the notification script: any executable of the host, run as the user of the sentinel.',
  source: 'sentinel.c:sentinelSetCommand; sentinel.conf, deny-scripts-reconfig',
  fix: 'Write yes, which is the standard; name scripts in the file.',
  fixtures: {
    fails: 'test/audit/fixtures/deny-scripts-reconfig-off/fails',
    nearMiss: 'test/audit/fixtures/deny-scripts-reconfig-off/near-miss',
  },
  needs: (sentinel) => ({
    conf: where(sentinel.conf, ({ statements }) => statements.length > 0, 'its file holds no sentinel line'),
  }),
  check: ({ conf }) => {
    const setting = ownOptionOf(conf, 'deny-scripts-reconfig');
    if (lowerAscii(wordOf(setting, 'yes')) !== 'no') return [];
    const spot = spotOf(setting);
    return [
      {
        message: 'deny-scripts-reconfig is no: SENTINEL SET may name any program of the host, and the sentinel runs it',
        at: spot,
        changes: [{ ...spot, now: 'sentinel deny-scripts-reconfig yes' }],
      },
    ];
  },
});
