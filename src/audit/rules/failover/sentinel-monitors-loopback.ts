import { defineRule } from '../../rule.js';
import { isLoopback, monitorsOf, spotOf } from '../../settings.js';

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
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-monitors-loopback/fails',
    nearMiss: 'test/audit/fixtures/sentinel-monitors-loopback/near-miss',
  },
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    monitorsOf(conf)
      .filter(({ host }) => isLoopback(host))
      .map((monitor) => ({
        message: `${monitor.group} is monitored at ${monitor.host}: clients and other sentinels would look for it on themselves`,
        at: spotOf(monitor),
        ...(isLoopback(conf.node.address) ? { severity: 'warning' as const } : {}),
      })),
});
