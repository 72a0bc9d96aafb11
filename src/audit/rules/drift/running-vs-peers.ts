import { memoryBytes } from '../../../redis/effective.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { atLeast } from '../../../redis/versions.js';
import { byKey } from '../../by-key.js';
import { each } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { RedisNode, Setting } from '../../view.js';

/**
 * What the nodes of a group should agree on, with the default that has been the same since 5.0 ('' = it was not).
 * Passwords, maxmemory and min-replicas have rules of their own; persistence may differ on purpose.
 */
const groupWide: Readonly<Record<string, string>> = {
  'maxmemory-policy': 'noeviction',
  databases: '16',
  timeout: '0',
  'tcp-keepalive': '300',
  'repl-timeout': '60',
  'repl-backlog-size': '',
  'min-replicas-to-write': '0',
  'min-replicas-max-lag': '10',
  'stop-writes-on-bgsave-error': 'yes',
  appendfsync: 'everysec',
  'replica-serve-stale-data': 'yes',
  'notify-keyspace-events': '',
  loglevel: 'notice',
};

interface Compared extends Setting {
  readonly value: string | undefined;
}

export const runningVsPeers = defineRule({
  id: 'running-vs-peers',
  class: 'drift',
  severity: 'warning',
  scope: 'cross-node',
  title: 'the nodes of a group have different settings',
  rationale:
    'After a failover another node is master, and the group behaves as that one is set: other evictions, other timeouts, other logs. What differs without a reason is found out on such a day.',
  source: 'redis.conf; replication carries data, never settings',
  fix: 'Make the files of all nodes of the group equal but for bind, port, dir, priority and what is announced.',
  fixtures: {
    fails: 'test/audit/fixtures/running-vs-peers/fails',
    nearMiss: 'test/audit/fixtures/running-vs-peers/near-miss',
  },
  needs: (group) =>
    Object.fromEntries(
      Object.keys(groupWide).map((name) => [
        name,
        each(
          group.redis.map((node) => comparedOf(node, name)),
          'redis nodes',
          2,
        ),
      ]),
    ),
  check: (settings) => Object.values(settings).flatMap((each) => problemsOf(each)),
});

function comparedOf(node: RedisNode, name: string) {
  const seen = node.setting(name);
  if (!seen.ok) return seen;
  const preset = groupWide[name];
  const known = preset !== '' && atLeast(node.target.compatible, '5.0.0') ? preset : undefined;
  const word = seen.value.line === undefined ? known : (seen.value.words[0] ?? '');
  const value = word === undefined ? undefined : name.endsWith('-size') ? String(memoryBytes(word)) : lowerAscii(word);
  return { ...seen, value: { ...seen.value, value } satisfies Compared };
}

/** One problem per directive; the nodes that differ from most come first. */
function problemsOf(settings: readonly Compared[]): readonly Problem[] {
  const kinds = byKey(
    settings.filter(({ value }) => value !== undefined),
    ({ value }) => value ?? '',
  );
  const [first, ...others] = [...kinds].sort((a, b) => a.length - b.length).flat();
  if (first === undefined || kinds.length < 2) return [];
  const says = kinds.map((same) => `${shown(same[0]?.value)} on ${same.map(({ node }) => node.id).join(', ')}`);
  return [
    {
      message: `${first.name} differs inside the group: ${says.join('; ')}`,
      at: spotOf(first),
      beside: others.map(spotOf),
    },
  ];
}

function shown(value: string | undefined): string {
  return value === undefined || value === '' ? '""' : value;
}
