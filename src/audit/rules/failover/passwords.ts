import { mapSeen, type Seen } from '../../../model/seen.js';
import { each, together } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import type { GroupView, RedisNode } from '../../view.js';
import { finderOf, membersOf } from './addresses.js';
import { type Login, loginOf, masterLoginOf, type OwnLogin, onlyPassword } from './logins.js';
import { fixturesOf } from './page.js';
import { type Role, roleInFile } from './roles.js';

const noauth = 'replication.c:syncWithMaster; seen on 7.0.15: "MASTER aborted replication with an error: NOAUTH"';

interface Credentials {
  readonly login: Login;
  readonly own: OwnLogin;
  readonly role: Role;
  /** The node that it follows, where it is one of the group. */
  readonly master: RedisNode | undefined;
}

/** How each node lets others in, and how it logs in to its master. */
function credentialsOf(group: GroupView): readonly Seen<Credentials>[] {
  const find = finderOf(group);
  return membersOf(group).map((node) =>
    mapSeen(together({ login: loginOf(node), own: masterLoginOf(node), role: roleInFile(node) }), (seen) => ({
      ...seen,
      master: seen.role.follows === undefined ? undefined : find(seen.role.follows),
    })),
  );
}

function besideGuard(nodes: readonly Credentials[]): Problem['beside'] {
  return nodes
    .filter(({ login }) => login.guarded && login.spot.line !== undefined)
    .map(({ login }) => login.spot)
    .slice(0, 3);
}

export const masterauthMissingOnMaster = defineRule({
  id: 'masterauth-missing-on-master',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'the master has no masterauth',
  rationale:
    'After a failover the old master comes back as a replica of the new one. Without masterauth it is refused with NOAUTH for ever: the group is one node smaller and nobody notices until the next failure.',
  source: noauth,
  fix: 'Set masterauth on every node of the group, the master too.',
  fixtures: fixturesOf('masterauth-missing-on-master'),
  needs: (group) => ({ nodes: each(credentialsOf(group), 'redis nodes that replicate', 2) }),
  check: ({ nodes }) =>
    nodes
      .filter(({ role, own }) => role.follows === undefined && own.hash === undefined)
      .filter(({ role }) => nodes.some((other) => other.role.node.id !== role.node.id && other.login.guarded))
      .map(({ own, login }) => ({
        message: 'a master without masterauth: it could never come back as a replica',
        at: own.spot,
        beside: login.spot.line === undefined ? [] : [login.spot],
        changes: [{ node: own.spot.node, line: own.spot.line, now: 'masterauth PASSWORD' }],
      })),
});

export const masterauthMissingOnReplica = defineRule({
  id: 'masterauth-missing-on-replica',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a replica has no masterauth',
  rationale:
    'The master asks for a password and the replica sends none, so it never replicates: it holds no data, and a failover has no candidate in it.',
  source: `${noauth}, "Unexpected reply to PSYNC from master: -NOAUTH Authentication required."`,
  fix: 'Set masterauth to the password of the master.',
  fixtures: fixturesOf('masterauth-missing-on-replica'),
  needs: (group) => ({ nodes: each(credentialsOf(group), 'redis nodes that replicate', 2) }),
  check: ({ nodes }) =>
    nodes.flatMap(({ own, master }) => {
      const asked = nodes.find(({ role }) => role.view === master);
      if (asked === undefined || !asked.login.guarded || own.hash !== undefined) return [];
      return [
        {
          message: `follows ${asked.role.node.id}, which asks for a password, and has no masterauth: it is refused and gets no data`,
          at: own.spot,
          beside: besideGuard([asked]) ?? [],
          changes: [{ node: own.spot.node, line: own.spot.line, now: 'masterauth PASSWORD' }],
        },
      ];
    }),
});

export const masterauthMismatch = defineRule({
  id: 'masterauth-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'masterauth is not the password of the nodes',
  rationale:
    'A replica that logs in with another password than its master has is refused for ever. It is refused by the present master or, when the nodes agree on one password, by any node that becomes master.',
  source: 'replication.c:syncWithMaster; seen on 7.0.15: "Unable to AUTH to MASTER: -WRONGPASS"',
  fix: 'Use one password for requirepass and masterauth on every node of the group.',
  fixtures: fixturesOf('masterauth-mismatch'),
  needs: (group) => ({ nodes: each(credentialsOf(group), 'redis nodes that replicate', 2) }),
  check: ({ nodes }) => {
    const common = onlyPassword(nodes.map(({ login }) => login));
    return nodes.flatMap(({ own, master, role }) => {
      if (own.hash === undefined || own.user !== undefined) return [];
      const asked = nodes.find((one) => one.role.view === master)?.login.hash;
      const wanted = asked ?? common;
      const others = nodes.filter((one) => one.role.node.id !== role.node.id);
      if (wanted === undefined || wanted === own.hash || others.length === 0) return [];
      const whose = asked === undefined ? 'of the other nodes' : 'of its master';
      return [
        {
          message: `the masterauth of ${role.node.id} is not the password ${whose}: replication from there is refused`,
          at: own.spot,
          beside: besideGuard(others) ?? [],
        },
      ];
    });
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
  fixtures: fixturesOf('requirepass-differs'),
  needs: (group) => ({ logins: each(membersOf(group).map(loginOf), 'redis nodes that replicate', 2) }),
  check: ({ logins }) => {
    const open = logins.filter(({ guarded }) => !guarded).map(({ node }) => node.id);
    const hashes = new Set(logins.flatMap(({ guarded, hash }) => (guarded && hash !== undefined ? [hash] : [])));
    const mixed = open.length > 0 && open.length < logins.length;
    if (!mixed && hashes.size < 2) return [];
    const [first, ...others] = [...logins].sort(
      (a, b) => Number(a.spot.line !== undefined) - Number(b.spot.line !== undefined),
    );
    const says = mixed ? `${open.join(', ')} without a password` : 'not the same password everywhere';
    return [
      {
        message: `requirepass differs inside the group: ${says}`,
        ...(first === undefined ? {} : { at: first.spot }),
        beside: others.map(({ spot }) => spot),
      },
    ];
  },
});
