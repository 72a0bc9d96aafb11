import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { optionOf, passwordHash, spotOf } from '../../settings.js';
import type { GroupView, Password, RedisNode } from '../../view.js';

const source = 'replication.c:syncWithMaster; seen on 7.0.15: "MASTER aborted replication with an error: NOAUTH"';

/** The passwords of each node, and whether it follows another one. */
function credentials(node: RedisNode) {
  return together({
    requirepass: node.password('requirepass'),
    masterauth: node.password('masterauth'),
    replicaof: node.setting('replicaof'),
  });
}

/** The one password that nodes have; undefined where none has one, or they differ. */
function onlyHash(passwords: readonly Password[]): string | undefined {
  const hashes = new Set(passwords.map(({ hash }) => hash));
  const [hash] = hashes;
  return hashes.size === 1 ? hash : undefined;
}

export const masterauthMissingOnMaster = defineRule({
  id: 'masterauth-missing-on-master',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'the master has no masterauth',
  rationale:
    'After a failover the old master comes back as a replica of the new one. Without masterauth it is refused with NOAUTH for ever: the group is one node smaller and nobody notices until the next failure.',
  source,
  fix: 'Set masterauth on every node of the group, the master too.',
  fixtures: {
    fails: 'test/audit/fixtures/masterauth-missing-on-master/fails',
    nearMiss: 'test/audit/fixtures/masterauth-missing-on-master/near-miss',
  },
  needs: (group) => ({ nodes: each(group.redis.map(credentials), 'redis nodes', 2) }),
  check: ({ nodes }) => {
    const guarded = nodes.some(({ requirepass }) => requirepass.hash !== undefined);
    return nodes
      .filter(({ replicaof, masterauth }) => guarded && replicaof.line === undefined && masterauth.hash === undefined)
      .map(({ masterauth, requirepass }) => ({
        message: 'a master without masterauth: it could never come back as a replica',
        at: spotOf(masterauth),
        beside: [spotOf(requirepass)].filter(({ line }) => line !== undefined),
        changes: [{ node: masterauth.node, line: undefined, now: 'masterauth PASSWORD' }],
      }));
  },
});

export const requirepassDiffers = defineRule({
  id: 'requirepass-differs',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'the nodes of a group have different passwords',
  rationale:
    'After a failover clients, replicas and sentinels log in to another node with the password of the old one. Where it differs or is missing, they are refused, or anybody is let in.',
  source: 'redis issue 2025; acl.c:authCommand',
  fix: 'Set the same requirepass (and masterauth) on every node of the group.',
  fixtures: {
    fails: 'test/audit/fixtures/requirepass-differs/fails',
    nearMiss: 'test/audit/fixtures/requirepass-differs/near-miss',
  },
  needs: (group) => ({
    passwords: each(
      group.redis.map((node) => node.password('requirepass')),
      'redis nodes',
      2,
    ),
  }),
  check: ({ passwords }) => {
    if (new Set(passwords.map(({ hash }) => hash)).size < 2) return [];
    const without = passwords.filter(({ hash }) => hash === undefined).map(({ node }) => node.id);
    const [first, ...others] = [...passwords].sort(
      (a, b) => Number(a.line !== undefined) - Number(b.line !== undefined),
    );
    const says = without.length > 0 ? `${without.join(', ')} without a password` : 'not the same password everywhere';
    return [
      {
        message: `requirepass differs inside the group: ${says}`,
        ...(first === undefined ? {} : { at: spotOf(first) }),
        beside: others.map(spotOf),
      },
    ];
  },
});

/** Sentinel and redis files are joined by the monitored name; one sentinel is enough to be wrong. */
export const sentinelAuthPassMismatch = defineRule({
  id: 'sentinel-auth-pass-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: "a sentinel's auth-pass is not the password of the nodes",
  rationale:
    'A sentinel that cannot log in takes a healthy master for down: it shows s_down,o_down and no replica, and its failovers end in -failover-abort-no-good-slave.',
  source: 'sentinel.c:sentinelSendAuthIfNeeded; redis issues 4799 and 5410; seen on 7.0.15',
  fix: 'Set `sentinel auth-pass NAME PASSWORD` to the password of the nodes on every sentinel, in the file or by SENTINEL SET.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-auth-pass-mismatch/fails',
    nearMiss: 'test/audit/fixtures/sentinel-auth-pass-mismatch/near-miss',
  },
  needs: (group: GroupView) => ({
    passwords: each(
      group.redis.map((node) => node.password('requirepass')),
      'redis nodes',
    ),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ passwords, sentinels }, { name }) => {
    const wanted = onlyHash(passwords);
    if (wanted === undefined) return [];
    return sentinels
      .filter((conf) => optionOf(conf, name, 'auth-user').line === undefined)
      .map((conf) => optionOf(conf, name, 'auth-pass'))
      .filter((given) => given.line !== undefined && passwordHash(given) !== wanted)
      .map((given) => ({
        message: `the auth-pass of ${name} is not the password of its nodes: this sentinel takes them for down`,
        at: spotOf(given),
        beside: passwords.map(spotOf).slice(0, 3),
      }));
  },
});
