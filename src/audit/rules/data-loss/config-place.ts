import type { FileStat } from '../../../model/raw-host.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import type { AnyNode, HostView } from '../../view.js';

const fixtures = (id: string) => ({
  fails: `test/audit/fixtures/${id}/fails/survey.json`,
  nearMiss: `test/audit/fixtures/${id}/near-miss/survey.json`,
});

export const configDirNotWritable = defineRule({
  id: 'config-dir-not-writable',
  class: 'data-loss',
  severity: 'error',
  scope: 'host',
  profiles: { dev: 'error' },
  versions: { redis: { from: '6.0.9' }, valkey: {} },
  title: 'the server cannot write in the directory of its config file',
  rationale:
    "A new config is written beside the old one and renamed over it. Where the directory is not the server's to write, every failover is forgotten at the next restart: a sentinel starts with an old master and an old epoch, a replica as master. The only trace is a line in the log.",
  source:
    'config.c:rewriteConfigOverwriteFile (6.0.9); redis issue 8172; "Could not create tmp config file (Permission denied)" while it ran on, and a read-only file in a writable directory rewritten, both seen on 7.0.15',
  fix: 'chown the directory to the user of the server, or give its group the right to write.',
  fixtures: fixtures('config-dir-not-writable'),
  needs: (host) => ({
    nodes: each(
      runningNodes(host, (node) => node.configDirStat),
      'running node',
    ),
  }),
  check: ({ nodes }) =>
    nodes
      .filter(({ stat, process }) => process !== null && stat.type === 'directory' && !mayWrite(stat, process.uid))
      .map(({ at, process, stat }) => ({
        message: `user ${process?.uid} who runs ${at.id} may not write in ${directoryOf(at.main)} (user ${stat.uid}, mode ${(stat.mode & 0o777).toString(8)}): no failover is remembered`,
        at: { node: at, line: undefined },
      })),
});

export const redisConfNotWritable = defineRule({
  id: 'redis-conf-not-writable',
  class: 'data-loss',
  severity: 'error',
  scope: 'host',
  profiles: { dev: 'error' },
  versions: { redis: { before: '6.0.9' } },
  title: 'the server cannot write its config file',
  rationale:
    'Up to 6.0.8 CONFIG REWRITE writes into the file itself. Where it may not, a failover changes the role of the process only, and the next restart undoes it.',
  source: 'config.c:rewriteConfigOverwriteFile of 6.0.8; "ERR Rewriting config file: Permission denied"',
  fix: 'chown the file to the user of the server.',
  fixtures: fixtures('redis-conf-not-writable'),
  needs: (host) => ({
    nodes: each(
      runningNodes(host, (node) => node.configStat),
      'running node',
    ),
  }),
  check: ({ nodes }) =>
    nodes
      .filter(({ stat, process }) => process !== null && stat.type === 'file' && !mayWrite(stat, process.uid))
      .map(({ at, process, stat }) => ({
        message: `user ${process?.uid} who runs ${at.id} may not write ${at.main} (user ${stat.uid}, mode ${(stat.mode & 0o777).toString(8)}): no failover is remembered`,
        at: { node: at, line: undefined },
      })),
});

function runningNodes(host: HostView, statOf: (node: AnyNode) => AnyNode['configStat']) {
  return [...host.redis, ...host.sentinels].map((node) => {
    const seen = together({ stat: statOf(node), process: node.process });
    return seen.ok ? { ...seen, value: { ...seen.value, at: node.at } } : seen;
  });
}

/** By the bits alone, and for the user: a right of a group counts as one, as its members are not known (nor are those of an ACL, which shows there). */
function mayWrite(stat: FileStat, uid: number): boolean {
  if (uid === 0) return true;
  if (stat.uid === uid) return (stat.mode & 0o200) !== 0;
  return (stat.mode & 0o022) !== 0;
}

function directoryOf(path: string): string {
  return path.replace(/\/[^/]*$/, '') || '/';
}
