import type { NotSeen, Seen } from '../../../model/seen.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { atLeast } from '../../../redis/versions.js';
import { each, together } from '../../need.js';
import { defineRule, type Spot } from '../../rule.js';
import { optionOf, spotOf, wordOf } from '../../settings.js';
import type { Target } from '../../target.js';
import type { Lines, RedisNode, SentinelConf, Setting } from '../../view.js';
import { refusedTo, replicationCommands, sentinelCommands, type Wanted } from './acl-permissions.js';
import { membersOf } from './addresses.js';
import { aclFileGap } from './logins.js';
import { fixturesOf } from './page.js';

const since6 = { redis: { from: '6.0' }, valkey: {} } as const;
const channel = '__sentinel__:hello';

interface Users {
  readonly users: Lines;
  readonly pubsub: Setting;
}

/** The `user` lines of a node; not seen where an ACL file has them. */
function usersOf(node: RedisNode): Seen<Users> {
  const gap: NotSeen | undefined = aclFileGap(node);
  return gap ?? together({ users: node.linesOf('user'), pubsub: node.setting('acl-pubsub-default') });
}

interface Asked {
  readonly user: string;
  readonly wanted: readonly Wanted[];
  readonly channel: string | undefined;
}

/** What a node refuses to a user that others log in as; undefined when nothing. The default user may do everything. */
function refusal({ users, pubsub }: Users, asked: Asked, target: Target): { says: string; at: Spot } | undefined {
  const line = users.lines.findLast(({ args }) => args[0] === asked.user);
  if (line === undefined) {
    if (asked.user === 'default') return undefined;
    return { says: `there is no user ${asked.user}`, at: { node: users.node, line: undefined } };
  }
  const preset = atLeast(target.compatible, '7.0.0') ? 'resetchannels' : 'allchannels';
  const byDefault = lowerAscii(wordOf(pubsub, preset)) === 'allchannels';
  const refused = refusedTo(line, asked.wanted, asked.channel, target, byDefault);
  if (refused.length === 0) return undefined;
  const says = refused.includes('off')
    ? `the user ${asked.user} is off`
    : `the user ${asked.user} is not allowed ${refused.join(', ')}`;
  return { says, at: { node: users.node, line } };
}

export const sentinelAuthUserInsufficient = defineRule({
  id: 'sentinel-auth-user-insufficient',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: since6,
  title: 'the user of the sentinels may not do what a failover needs',
  rationale:
    'A sentinel that logs in as an ACL user needs PING and INFO to see a node, the hello channel to find other sentinels, and MULTI, SLAVEOF, CONFIG REWRITE, CLIENT KILL and EXEC to make it a master. One command that is refused inside the transaction discards all of it.',
  source: 'redis.io, "High availability with Redis Sentinel": ACL authentication; sentinel.c:sentinelSendSlaveOf',
  fix: 'ACL SETUSER NAME on >PASSWORD allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill on every node, and ACL SAVE or CONFIG REWRITE.',
  fixtures: fixturesOf('sentinel-auth-user-insufficient'),
  needs: (group) => ({
    nodes: each(membersOf(group).map(usersOf), 'redis node that a sentinel monitors'),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf).filter((conf) => !conf.ok || namedUser(conf.value, group.name)),
      'sentinel with an auth-user',
    ),
  }),
  check: ({ nodes, sentinels }, { name, target }) => {
    const named = sentinels.map((conf) => optionOf(conf, name, 'auth-user')).filter(({ words }) => words.length > 0);
    const names = [...new Set(named.map(({ words }) => words[0] ?? ''))];
    return names.flatMap((user) =>
      nodes.flatMap((node) => {
        const found = refusal(node, { user, wanted: sentinelCommands, channel }, target);
        if (found === undefined) return [];
        const beside = named.filter(({ words }) => words[0] === user).map(spotOf);
        return [
          {
            message: `${found.says}, and the sentinels log in as ${user}: they could not fail this node over`,
            at: found.at,
            beside: beside.slice(0, 3),
          },
        ];
      }),
    );
  },
});

function namedUser(conf: SentinelConf, group: string): boolean {
  return optionOf(conf, group, 'auth-user').words.length > 0;
}

function replicationUser(node: RedisNode): Seen<Users & { readonly masteruser: Setting }> {
  const users = usersOf(node);
  const masteruser = node.setting('masteruser');
  if (!users.ok) return users;
  return together({
    users: node.linesOf('user'),
    pubsub: node.setting('acl-pubsub-default'),
    masteruser,
  });
}

export const masteruserAclInsufficient = defineRule({
  id: 'masteruser-acl-insufficient',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: since6,
  title: 'the user of the replicas may not replicate',
  rationale:
    'A replica logs in to its master as masteruser and sends PING, REPLCONF and PSYNC. Every node may become master, so every node has to let that user do it.',
  source: 'redis.io, "ACL": rules for Sentinel and replicas; replication.c:syncWithMaster',
  fix: 'ACL SETUSER NAME on >PASSWORD +psync +replconf +ping on every node, and ACL SAVE or CONFIG REWRITE.',
  fixtures: fixturesOf('masteruser-acl-insufficient'),
  needs: (group) => {
    const members = membersOf(group).map((node) => ({ node, masteruser: node.setting('masteruser') }));
    const used = members.some(({ masteruser }) => !masteruser.ok || masteruser.value.words.length > 0);
    return { nodes: each(used ? members.map(({ node }) => replicationUser(node)) : [], 'nodes with a masteruser', 2) };
  },
  check: ({ nodes }, { target }) =>
    nodes.flatMap((node) => {
      const others = nodes.filter((one) => one !== node && one.masteruser.words.length > 0);
      const names = [...new Set(others.map(({ masteruser }) => masteruser.words[0] ?? ''))];
      return names.flatMap((user) => {
        const found = refusal(node, { user, wanted: replicationCommands, channel: undefined }, target);
        if (found === undefined) return [];
        const beside = others.filter(({ masteruser }) => masteruser.words[0] === user);
        return [
          {
            message: `${found.says}, and ${beside.map(({ users }) => users.node.id).join(', ')} would replicate from here as ${user}: refused`,
            at: found.at,
            beside: beside.map(({ masteruser }) => spotOf(masteruser)).slice(0, 3),
          },
        ];
      });
    }),
});
