import { together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { RedisNode } from '../../view.js';

export const roleFileVsRunning = defineRule({
  id: 'role-file-vs-running',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  title: 'the node runs in another role than its file says',
  rationale:
    'The role that a failover gave the node was not written to its file. At the next restart it comes back in the old one: a replica as a second master with old data, or a master that throws its data away and copies an older node.',
  source: 'replication.c:replicaofCommand changes nothing on disk; config.c:rewriteConfigReplicaOfOption',
  fix: 'CONFIG REWRITE on the node; where that fails, make its file and directory writable for the server first.',
  fixtures: {
    fails: 'test/audit/fixtures/role-file-vs-running/fails',
    nearMiss: 'test/audit/fixtures/role-file-vs-running/near-miss',
  },
  needs: (node) => ({ node: roles(node) }),
  check: ({ node: { gives, running, replicaof } }) => {
    const file = gives.replicaOf === undefined ? undefined : `${gives.replicaOf.host}:${gives.replicaOf.port}`;
    const now = running.role === 'master' ? undefined : running.masterAddress;
    if (file === now || (running.role === 'replica' && now === undefined)) return [];
    if (file !== undefined && now !== undefined && !bothNumbers(file, now)) return [];
    const says = file === undefined ? 'a master' : `a replica of ${file}`;
    const runs = now === undefined ? 'a master' : `a replica of ${now}`;
    return [
      {
        message: `the file says ${says}, the process is ${runs}: the next restart would undo that`,
        at: spotOf(replicaof),
      },
    ];
  },
});

function roles(node: RedisNode) {
  return together({ replicaof: node.setting('replicaof'), gives: node.gives, running: node.running });
}

/** A name and an address may mean the same machine; two different addresses do not. */
function bothNumbers(one: string, other: string): boolean {
  const isNumeric = (address: string) => /^[\d.]+:\d+$|^[\da-f:]*:[\da-f:]*:\d+$/i.test(address);
  return isNumeric(one) && isNumeric(other);
}

export const startedWithoutConfig = defineRule({
  id: 'started-without-config',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  title: 'the server runs without a config file',
  rationale:
    'CONFIG REWRITE has nothing to write to, so a failover is never remembered: at the next start the node comes back in the role of its command line, and as master with its old data.',
  source: 'config.c:configRewriteCommand: "ERR The server is running without a config file", seen on 7.0.15',
  fix: 'Start the server with its config file as first argument.',
  fixtures: {
    fails: 'test/audit/fixtures/started-without-config/fails',
    nearMiss: 'test/audit/fixtures/started-without-config/near-miss',
  },
  needs: (node) => ({ running: node.running }),
  check: ({ running }) =>
    running.configFile === ''
      ? [{ message: 'the server was started without a config file: no failover is remembered' }]
      : [],
});
