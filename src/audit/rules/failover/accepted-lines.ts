import { byKey } from '../../by-key.js';
import { every } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { monitorsOf, spotOf } from '../../settings.js';

/** Statements of a number that sentinel.c reads with atoi, and the place of that number among the words. */
const numbers: Readonly<Record<string, number>> = {
  monitor: 1,
  'down-after-milliseconds': 0,
  'failover-timeout': 0,
  'parallel-syncs': 0,
  'announce-port': 0,
  'master-reboot-down-after-period': 0,
  'primary-reboot-down-after-period': 0,
};

export const sentinelNumberSuffix = defineRule({
  id: 'sentinel-number-suffix',
  class: 'failover',
  severity: 'error',
  scope: 'sentinel',
  title: 'a number of a sentinel line has letters behind it',
  rationale:
    'Sentinel reads the digits in front and drops the rest in silence: down-after-milliseconds 5s is 5 milliseconds, and the master counts as down at once; a port that begins with a letter is 0.',
  source: 'sentinel.c:sentinelHandleConfiguration uses atoi; +sdown within 60 ms, seen on 7.0.15',
  fix: 'Write plain numbers, times in milliseconds: 5000 for five seconds.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-number-suffix/fails',
    nearMiss: 'test/audit/fixtures/sentinel-number-suffix/near-miss',
  },
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    conf.statements.flatMap(({ sub, words, line }): readonly Problem[] => {
      const at = Object.hasOwn(numbers, sub) ? numbers[sub] : undefined;
      const odd = at === undefined ? undefined : words.slice(at).find((word) => !/^[+-]?\d+$/.test(word));
      // A comment, a placeholder or a wrong count stops the server: that is told by other rules.
      if (odd === undefined || !/^[\w.-]{1,20}$/.test(odd)) return [];
      const number = Number.parseInt(odd, 10) || 0;
      if (number <= 0 && (sub !== 'monitor' || odd !== words[1]) && !['parallel-syncs', 'announce-port'].includes(sub))
        return [];
      const changed = meant(sub, odd);
      const spot = { node: conf.node, line };
      const now = line.raw.trim().replace(new RegExp(`(\\s)${odd.replace('.', '\\.')}(\\s|$)`), `$1${changed}$2`);
      return [
        {
          message: `sentinel ${sub} ${odd} is read as ${number}`,
          at: spot,
          ...(changed === undefined ? {} : { changes: [{ ...spot, now }] }),
        },
      ];
    }),
});

/** The number that was meant: a time with its unit in milliseconds. */
function meant(sub: string, word: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|min)$/i.exec(word) ?? [];
  if (digits === '' || sub === 'monitor' || sub === 'announce-port') return undefined;
  const factor = { ms: 1, s: 1000, m: 60_000, min: 60_000 }[unit.toLowerCase()];
  return factor === undefined ? undefined : Math.round(Number(digits) * factor);
}

export const sentinelSameAddressTwice = defineRule({
  id: 'sentinel-same-address-twice',
  class: 'failover',
  severity: 'warning',
  scope: 'sentinel',
  title: 'two names stand for one master',
  rationale:
    'Sentinel takes both and runs two failovers over one set of nodes: each promotes a replica of its own choice and reconfigures the others.',
  source: 'sentinel.c:createSentinelRedisInstance compares names only; accepted, seen on 7.0.15',
  fix: 'Keep one sentinel monitor line per replication group.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-same-address-twice/fails',
    nearMiss: 'test/audit/fixtures/sentinel-same-address-twice/near-miss',
  },
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    byKey(monitorsOf(conf), ({ address }) => address).flatMap((same): readonly Problem[] => {
      const [first, ...others] = same.filter(({ group }, at) => same.findIndex((one) => one.group === group) === at);
      if (first === undefined || others.length === 0) return [];
      const names = [first, ...others].map(({ group }) => group).join(' and ');
      return [
        {
          message: `${names} both monitor ${first.address}: two failovers over the same nodes`,
          at: spotOf(others[0] ?? first),
          beside: [spotOf(first)],
        },
      ];
    }),
});

/** Directives of data and replication, which a sentinel takes and follows or forgets. */
const ofData = ['save', 'appendonly', 'replicaof', 'maxmemory', 'dbfilename', 'masterauth', 'min-replicas-to-write'];

export const dataDirectiveInSentinelConf = defineRule({
  id: 'data-directive-in-sentinel-conf',
  class: 'failover',
  severity: 'warning',
  scope: 'sentinel',
  title: 'a directive of a data server stands in the file of a sentinel',
  rationale:
    'Sentinel takes every directive of a server: with replicaof it really connects as a replica, with appendonly it fails to write at its end. What was meant for the redis server beside it is not in force there.',
  source: 'config.c:loadServerConfigFromString is the same for both; replication and the fsync error seen on 7.0.15',
  fix: 'Delete the line here; put it into the redis.conf for which it was meant.',
  fixtures: {
    fails: 'test/audit/fixtures/data-directive-in-sentinel-conf/fails',
    nearMiss: 'test/audit/fixtures/data-directive-in-sentinel-conf/near-miss',
  },
  needs: (sentinel) => ({
    lines: every(
      ofData.map((name) => sentinel.linesOf(name)),
      'file',
    ),
  }),
  check: ({ lines }) =>
    lines.flatMap(({ node, name, lines: all }) =>
      all.map((line) => ({
        message: `${name} stands in the file of a sentinel: ${name === 'replicaof' ? 'the sentinel connects to that server as a replica' : 'it belongs to a redis server'}`,
        at: { node, line },
        changes: [{ node, line, now: undefined }],
      })),
    ),
});
