import { together, where } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { isWildcard, isYes, spotOf } from '../../settings.js';
import { defaultUser, isOnlyLocal, isOpen, usersOf } from './users.js';

export const bindWildcard = defineRule({
  id: 'bind-wildcard',
  class: 'security',
  severity: 'warning',
  scope: 'node',
  title: 'it listens on every address of its host',
  rationale:
    'On every interface means on the public one too, and on those that are added later. Without a bind line Redis listens everywhere; a Sentinel is expected to.',
  source: 'config.c, bind; server.c:listenToPort; redis.conf, NETWORK',
  fix: "Write the host's private address behind bind, and 127.0.0.1.",
  fixtures: {
    fails: 'test/audit/fixtures/bind-wildcard/fails',
    nearMiss: 'test/audit/fixtures/bind-wildcard/near-miss',
  },
  needs: (node) => ({ bind: node.setting('bind') }),
  check: ({ bind }) => {
    const wild = bind.words.find(isWildcard);
    const unset = bind.words.length === 0 && bind.node.kind === 'redis';
    if (wild === undefined && !unset) return [];
    const how = wild === undefined ? 'no bind line says where' : `bind says ${wild}`;
    return [{ message: `it listens on every address of its host: ${how}`, at: spotOf(bind) }];
  },
});

export const protectedModeOff = defineRule({
  id: 'protected-mode-off',
  class: 'security',
  severity: 'warning',
  scope: 'redis',
  versions: { redis: { from: '3.2' }, valkey: {} },
  title: 'protected mode is off',
  rationale:
    'Protected mode refuses other machines while the default user has no password. It is the net under a password that is lost from the file, by a rewrite, a template or a mistake.',
  source: 'networking.c:acceptCommonHandler; redis.conf, protected-mode',
  fix: 'Remove the line or write protected-mode yes; set a password.',
  fixtures: {
    fails: 'test/audit/fixtures/protected-mode-off/fails',
    nearMiss: 'test/audit/fixtures/protected-mode-off/near-miss',
  },
  needs: (node) => ({ doors: together({ mode: node.setting('protected-mode'), bind: node.setting('bind') }) }),
  check: ({ doors: { mode, bind } }) => {
    if (isYes(mode, true) || isOnlyLocal(bind)) return [];
    const spot = spotOf(mode);
    return [
      {
        message: 'protected mode is off: without a password nothing would keep other machines out',
        at: spot,
        changes: [{ ...spot, now: 'protected-mode yes' }],
      },
    ];
  },
});

export const sentinelNoAuth = defineRule({
  id: 'sentinel-no-auth',
  class: 'security',
  severity: 'warning',
  scope: 'sentinel',
  versions: { redis: { from: '5.0.1' }, valkey: {} },
  title: 'the sentinel asks nobody for a password',
  rationale:
    'Whoever reaches a sentinel may start failovers, change what it monitors and where clients are sent, and run its scripts where deny-scripts-reconfig is no.',
  source: 'sentinel.c:sentinelCommand, SENTINEL SET and FAILOVER; sentinel documentation, authentication',
  fix: 'Set requirepass (and sentinel sentinel-pass from 6.2 on) on every sentinel of the group, give it to the clients, and let only hosts of the fleet reach the port.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-no-auth/fails',
    nearMiss: 'test/audit/fixtures/sentinel-no-auth/near-miss',
  },
  needs: (sentinel) => ({
    doors: where(
      together({
        bind: sentinel.setting('bind'),
        requirepass: sentinel.password('requirepass'),
        users: usersOf(sentinel),
      }),
      ({ users }) => !openByLine(users),
      'a user line lets everybody in, which default-user-nopass tells',
    ),
  }),
  check: ({ doors: { bind, requirepass, users } }): readonly Problem[] => {
    if (requirepass.hash !== undefined || defaultUser(users) !== undefined || isOnlyLocal(bind)) return [];
    return [
      {
        message: 'no password: whoever reaches it may start failovers and lead clients elsewhere',
        at: spotOf(requirepass),
      },
    ];
  },
});

function openByLine(users: Parameters<typeof defaultUser>[0]): boolean {
  const line = defaultUser(users);
  return line !== undefined && isOpen(line);
}

export const tlsOff = defineRule({
  id: 'tls-off',
  class: 'security',
  severity: 'info',
  scope: 'redis',
  versions: { redis: { from: '6.0' }, valkey: {} },
  title: 'passwords and data cross the network as they are',
  rationale:
    'Without TLS a replica sends masterauth, and its master all data, in clear text to whoever listens in between.',
  source: 'redis.conf, TLS/SSL; replication.c:syncWithMaster sends AUTH',
  fix: 'Set tls-replication yes with tls-port and certificates, or keep replication inside a network of its own.',
  fixtures: { fails: 'test/audit/fixtures/tls-off/fails', nearMiss: 'test/audit/fixtures/tls-off/near-miss' },
  needs: (node) => ({
    link: where(
      together({
        replicaof: node.setting('replicaof'),
        masterauth: node.password('masterauth'),
        tls: node.setting('tls-replication'),
        bind: node.setting('bind'),
      }),
      ({ replicaof, bind }) => replicaof.line !== undefined && !isOnlyLocal(bind),
      'it replicates from nobody over a network',
    ),
  }),
  check: ({ link: { tls, masterauth } }) =>
    isYes(tls, false) || masterauth.hash === undefined
      ? []
      : [
          {
            message: 'it sends its masterauth and receives all data in clear text',
            at: spotOf(tls),
            beside: [spotOf(masterauth)],
          },
        ],
});
