import { byKey } from '../../by-key.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, spotOf, wordOf } from '../../settings.js';
import type { HostView, RedisNode, SentinelNode } from '../../view.js';

function nodesOf(host: HostView): readonly (RedisNode | SentinelNode)[] {
  return [...host.redis, ...host.sentinels];
}

export const loglevelDebug = defineRule({
  id: 'loglevel-debug',
  class: 'performance',
  severity: 'warning',
  scope: 'host',
  profiles: { dev: 'info', 'single-host-lab': 'info' },
  title: 'a node logs everything',
  rationale:
    'With loglevel debug or verbose every connection is a line. The disk fills, the lines of the night that matter are rotated away, and the writing itself slows the server down.',
  source: 'redis.conf, GENERAL; server.c:serverCron',
  fix: 'Set loglevel notice.',
  fixtures: {
    fails: 'test/audit/fixtures/loglevel-debug/fails',
    nearMiss: 'test/audit/fixtures/loglevel-debug/near-miss',
  },
  needs: (host) => ({
    levels: each(
      nodesOf(host).map((node) => node.setting('loglevel')),
      'node',
    ),
  }),
  check: ({ levels }) =>
    levels
      .filter((level) => ['debug', 'verbose'].includes(wordOf(level, 'notice').toLowerCase()))
      .map((level) => ({
        message: `loglevel ${wordOf(level, '').toLowerCase()}: every connection is a line in the log`,
        at: spotOf(level),
        changes: [{ ...spotOf(level), now: 'loglevel notice' }],
      })),
});

export const logfileLost = defineRule({
  id: 'logfile-lost',
  class: 'performance',
  severity: 'warning',
  scope: 'host',
  title: 'the log goes nowhere, or into a file called stdout',
  rationale:
    'A daemon without a logfile writes to /dev/null: after a failure nobody can tell what happened. (The units of the packages say daemonize no on the command line; an init script or a start by hand does not.) `logfile stdout` meant the standard output long ago; now it is a file of that name in the data directory.',
  source: 'server.c:daemonize, serverLogRaw; ./stdout made, seen on 7.0.15',
  fix: 'Set logfile /var/log/redis/redis.log, or daemonize no and let the service manager keep the output.',
  fixtures: {
    fails: 'test/audit/fixtures/logfile-lost/fails',
    nearMiss: 'test/audit/fixtures/logfile-lost/near-miss',
  },
  needs: (host) => ({
    logs: each(
      nodesOf(host).map((node) =>
        together({
          logfile: node.setting('logfile'),
          daemonize: node.setting('daemonize'),
          supervised: node.setting('supervised'),
          syslog: node.setting('syslog-enabled'),
        }),
      ),
      'node',
    ),
  }),
  check: ({ logs }) =>
    logs.flatMap(({ logfile, daemonize, supervised, syslog }) => {
      if (/^(?:stdout|stderr)$/i.test(wordOf(logfile, '')))
        return [
          {
            message: `logfile ${wordOf(logfile, '')} is a file of that name in the data directory`,
            at: spotOf(logfile),
          },
        ];
      // Under a supervisor daemonize does not count (server.c:main), and `auto` may be either.
      const alone = wordOf(supervised, 'no').toLowerCase() === 'no';
      const lost = wordOf(logfile, '') === '' && isYes(daemonize, false) && alone && !isYes(syslog, false);
      if (!lost) return [];
      return [
        {
          message: 'daemonize yes without a logfile: started with this file alone, its log goes to /dev/null',
          at: spotOf(logfile),
          beside: [spotOf(daemonize)],
        },
      ];
    }),
});

export const logfileShared = defineRule({
  id: 'logfile-shared',
  class: 'performance',
  severity: 'warning',
  scope: 'host',
  title: 'two servers write one log or one pidfile',
  rationale:
    'Two logs in one file cannot be told apart afterwards, and a rotation by one of them takes the lines of the other. A shared pidfile makes the stop of one server stop another one.',
  source: 'server.c:serverLogRaw appends; server.c:createPidFile overwrites',
  fix: 'Give each server a logfile and a pidfile of its own.',
  fixtures: {
    fails: 'test/audit/fixtures/logfile-shared/fails',
    nearMiss: 'test/audit/fixtures/logfile-shared/near-miss',
  },
  needs: (host) => ({
    files: each(
      nodesOf(host).map((node) => together({ logfile: node.setting('logfile'), pidfile: node.setting('pidfile') })),
      'servers on this host',
      2,
    ),
  }),
  check: ({ files }) => {
    const named = files
      .flatMap(({ logfile, pidfile }) => [logfile, pidfile])
      .filter((one) => isShareable(wordOf(one, '')));
    return byKey(named, (one) => `${one.name} ${wordOf(one, '')}`).flatMap((same) => {
      const [first, ...others] = same;
      if (first === undefined || others.length === 0) return [];
      const names = same.map(({ node }) => node.id).join(' and ');
      return [
        {
          message: `${names} write one ${first.name}, ${wordOf(first, '')}`,
          at: spotOf(first),
          beside: others.map(spotOf),
        },
      ];
    });
  },
});

/** A path that means one file for every server of the host; a device is none. */
function isShareable(path: string): boolean {
  return path.startsWith('/') && !path.startsWith('/dev/');
}
