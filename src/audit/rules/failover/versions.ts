import { mapSeen, type Seen } from '../../../model/seen.js';
import { newestRdbVersion } from '../../../redis/rdb-versions.js';
import { parseVersion } from '../../../redis/versions.js';
import { each, together } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { isYes, spotOf } from '../../settings.js';
import type { RedisNode } from '../../view.js';
import { finderOf, membersOf } from './addresses.js';
import { fixturesOf } from './page.js';
import { type Role, roleOf } from './roles.js';

interface Runs {
  readonly role: Role;
  /** `Redis 7.0.15` */
  readonly says: string;
  readonly rdb: number;
}

function runsOf(node: RedisNode): Seen<Runs> {
  return mapSeen(together({ role: roleOf(node), running: node.running }), ({ role, running }) => ({
    role,
    says: `${running.flavour === 'valkey' ? 'Valkey' : 'Redis'} ${running.version}`,
    rdb: newestRdbVersion(running.flavour, parseVersion(running.version)),
  }));
}

export const versionMismatch = defineRule({
  id: 'version-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a replica cannot load what its master sends',
  rationale:
    'A full copy comes in the RDB format of the master. A server refuses a format that is newer than its own, so an older replica never gets a copy; and when a newer replica becomes master, the older nodes are left behind.',
  source: 'rdb.c:rdbLoadRioWithLoadingCtx, "Can\'t handle RDB format version"',
  fix: 'Upgrade the replicas first, the master last, and finish the upgrade.',
  fixtures: fixturesOf('version-mismatch'),
  needs: (group) => {
    const find = finderOf(group);
    const nodes = membersOf(group).map((node) =>
      mapSeen(runsOf(node), (runs) => ({
        ...runs,
        master: runs.role.follows === undefined ? undefined : find(runs.role.follows),
      })),
    );
    return { nodes: each(nodes, 'redis nodes that replicate', 2) };
  },
  check: ({ nodes }) =>
    nodes.flatMap((replica): readonly Problem[] => {
      const master = nodes.find(({ role }) => role.view === replica.master);
      if (master === undefined || master.rdb === replica.rdb) return [];
      const at = { node: replica.role.node, line: replica.role.line };
      const names = `${replica.role.node.id} (${replica.says}) follows ${master.role.node.id} (${master.says})`;
      if (replica.rdb < master.rdb) {
        return [{ message: `${names}: it cannot load the full copy of a newer master`, at }];
      }
      const message = `${names}: once it is master, ${master.role.node.id} cannot load its full copy and does not come back`;
      return [{ message, at, severity: 'warning' }];
    }),
});

export const clusterModeMismatch = defineRule({
  id: 'cluster-mode-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: { redis: { from: '3.0' }, valkey: {} },
  title: 'a node of Redis Cluster is monitored by sentinels',
  rationale:
    'In cluster mode the nodes choose their masters themselves and refuse REPLICAOF. Sentinels see such a master die and can promote nobody.',
  source: 'replication.c:replicaofCommand, "REPLICAOF not allowed in cluster mode."',
  fix: 'Take the node out of the sentinels (SENTINEL REMOVE), or set cluster-enabled no if it was never meant.',
  fixtures: fixturesOf('cluster-mode-mismatch'),
  needs: (group) => ({
    modes: each(
      membersOf(group).map((node) => node.setting('cluster-enabled')),
      'redis node that a sentinel monitors',
    ),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ modes }, { name }) =>
    modes
      .filter((mode) => isYes(mode, false))
      .map((mode) => ({
        message: `${mode.node.id} is in cluster mode and belongs to ${name}, which sentinels monitor: it refuses to change its role`,
        at: spotOf(mode),
      })),
});
