import { together, where, whereThere } from '../../need.js';
import { defineRule } from '../../rule.js';
import { numberOf, spotOf } from '../../settings.js';
import type { RedisNode } from '../../view.js';

/** Exits after which systemd starts a service again include a kill (systemd.service(5), Restart=). */
const restartsAfterKill: ReadonlySet<string> = new Set(['always', 'on-failure', 'on-abnormal', 'on-abort']);

/** A node that writes nothing to disk by itself, and may be master. */
function unsavedCandidate(node: RedisNode) {
  return where(
    together({ gives: node.gives, save: node.linesOf('save'), priority: node.setting('replica-priority') }),
    ({ gives }) => gives.save.length === 0 && !gives.appendonly,
    'the node has save points or an AOF',
  );
}

export const persistenceOffAutoRestart = defineRule({
  id: 'persistence-off-auto-restart',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  title: 'a node without persistence is started again by its service manager',
  rationale:
    'A master that dies and is back within down-after-milliseconds is empty, and no sentinel noticed anything: every replica copies the empty dataset and overwrites its own dump.',
  source:
    'Redis documentation, Replication, "Safety of replication when master has persistence turned off"; 3 keys became 0 on the replica, seen on 7.0.15; systemd.service(5)',
  fix: 'Turn save points or the AOF on (by CONFIG SET first), or set Restart=no in the unit. From 7.0 on `sentinel master-reboot-down-after-period` makes the sentinels notice.',
  fixtures: {
    fails: 'test/audit/fixtures/persistence-off-auto-restart/fails',
    nearMiss: 'test/audit/fixtures/persistence-off-auto-restart/near-miss',
  },
  needs: (node) => ({
    node: unsavedCandidate(node),
    unit: whereThere(node.unit, ({ manager }) => manager === 'systemd', 'the service manager restarts nothing'),
  }),
  check: ({ node: { save, priority, gives }, unit: { unit, properties } }) => {
    const restart = properties.Restart ?? '';
    const neverMaster = gives.replicaOf !== undefined && numberOf(priority, 100) === 0;
    if (neverMaster || !restartsAfterKill.has(restart)) return [];
    return [
      {
        message: `neither save points nor an AOF, and ${unit} has Restart=${restart}: after a crash it is started again, empty, and its replicas copy that`,
        at: { node: save.node, line: save.lines.at(-1) },
      },
    ];
  },
});

export const persistenceOffOnCandidate = defineRule({
  id: 'persistence-off-on-candidate',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'a node that may become master writes nothing to disk',
  rationale:
    'Once it is master, whatever was written since lives in memory only, and it comes back empty from a restart. Before 6.2 a config file without a save line means no snapshots; from 6.2 on the built-in save points count.',
  source:
    'server.c:main (6.0) and config.c (6.2), appendServerSaveParams; sentinel.c:sentinelSelectSlave; seen on 7.0.15',
  fix: 'Write `save 3600 1 300 100 60 10000`, turn the AOF on by CONFIG SET first, or set replica-priority 0 on a node that must never be master.',
  fixtures: {
    fails: 'test/audit/fixtures/persistence-off-on-candidate/fails',
    nearMiss: 'test/audit/fixtures/persistence-off-on-candidate/near-miss',
  },
  needs: (node) => ({
    node: together({ gives: node.gives, save: node.linesOf('save'), priority: node.setting('replica-priority') }),
  }),
  check: ({ node: { gives, save, priority } }) => {
    if (gives.save.length > 0 || gives.appendonly) return [];
    if (gives.replicaOf !== undefined && numberOf(priority, 100) === 0) return [];
    const line = save.lines.at(-1);
    return [
      {
        message: 'neither save points nor an AOF on a node that may be master: a restart would empty it',
        at: { node: save.node, line },
        ...(line === undefined
          ? { changes: [{ ...spotOf({ node: save.node, line }), now: 'save 3600 1 300 100 60 10000' }] }
          : {}),
      },
    ];
  },
});
