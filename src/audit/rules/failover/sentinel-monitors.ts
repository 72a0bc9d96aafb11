import { addressOf } from '../../../redis/sentinel-conf.js';
import { defineRule } from '../../rule.js';
import { isLoopback, isWildcard, monitorsOf, spotOf } from '../../settings.js';
import { bindsLoopbackOnly } from './addresses.js';
import { fixturesOf } from './page.js';

export const sentinelMonitorsLoopback = defineRule({
  id: 'sentinel-monitors-loopback',
  class: 'failover',
  severity: 'error',
  scope: 'sentinel',
  profiles: { 'single-host-lab': 'off', dev: 'off' },
  title: 'a sentinel monitors a loopback address',
  rationale:
    'Sentinel hands the monitored address to clients and to the other sentinels: 127.0.0.1 means each of them itself.',
  source: 'sentinel.c:sentinelCommand GET-MASTER-ADDR-BY-NAME; seen on 7.0.15',
  fix: 'Monitor the address at which the other machines reach the master.',
  fixtures: fixturesOf('sentinel-monitors-loopback'),
  needs: (sentinel) => ({ conf: sentinel.conf, local: bindsLoopbackOnly(sentinel) }),
  check: ({ conf, local }) =>
    monitorsOf(conf)
      .filter(({ host }) => isLoopback(host))
      .map((monitor) => ({
        message: `${monitor.group} is monitored at ${monitor.host}: clients and other sentinels would look for it on themselves`,
        at: spotOf(monitor),
        ...(local || isLoopback(conf.node.address) ? { severity: 'warning' as const } : {}),
      })),
});

export const sentinelMonitorsWildcard = defineRule({
  id: 'sentinel-monitors-wildcard',
  class: 'failover',
  severity: 'error',
  scope: 'sentinel',
  title: 'a sentinel monitors the address that means every interface',
  rationale:
    'A server may listen on 0.0.0.0, nobody can be reached there: the sentinel connects to its own machine, and clients that ask for the master are told 0.0.0.0.',
  source: 'sentinel.c:createSentinelRedisInstance; accepted and handed out by GET-MASTER-ADDR-BY-NAME, seen on 7.0.15',
  fix: 'Monitor the address at which the other machines reach the master.',
  fixtures: fixturesOf('sentinel-monitors-wildcard'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    monitorsOf(conf)
      .filter(({ host }) => isWildcard(host))
      .map((monitor) => ({
        message: `${monitor.group} is monitored at ${addressOf(monitor.host, String(monitor.port))}, which is every interface of each machine and no address of the master`,
        at: spotOf(monitor),
      })),
});

export const sentinelNoMonitor = defineRule({
  id: 'sentinel-no-monitor',
  class: 'failover',
  severity: 'error',
  scope: 'sentinel',
  title: 'a sentinel monitors nothing',
  rationale: 'A sentinel without a `sentinel monitor` line starts, says nothing, and watches no master.',
  source: 'sentinel.c; sentinel_masters:0, seen on 7.0.15',
  fix: 'Add `sentinel monitor NAME ADDRESS PORT QUORUM`, before every other line about NAME.',
  fixtures: fixturesOf('sentinel-no-monitor'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    monitorsOf(conf).length > 0
      ? []
      : [{ message: 'no sentinel monitor line: it watches no master', at: { node: conf.node, line: undefined } }],
});
